"""A running server, controlled from outside."""

import contextlib
import os
import threading
import time

import pytest
from hookserve_status.client import Refused
from support.status import APPLICATION, WAITS, is_answered, worker

from hookserve.testing import wait_until
from hookserve.testing.waiting import DEADLINE

pytestmark = pytest.mark.process


def test_a_reload_is_waited_for_with_its_outcome(scene, tmp_path, capsys):
    assert scene.ctl("reload", "--wait") == 0
    assert "generation 2 serves" in capsys.readouterr().out

    (tmp_path / "app.py").write_text("import no_such_module\n")
    with pytest.raises(Refused, match=r"the reload has failed.*no_such_module"):
        scene.ctl("reload", "--wait")

    snapshot = scene.client.snapshot()
    assert [each["is_complete"] for each in snapshot["reloads"]] == [0, 1]
    assert snapshot["generation"] == 2
    assert any("The last reload failed" in each["text"] for each in snapshot["faults"])


@pytest.mark.parametrize("scene", [{"preload_app": True}], indirect=True)
def test_a_preloaded_application_is_reloaded_and_what_was_counted_is_kept(scene, capsys):
    for _ in range(4):
        scene.get()
    started = scene.client.snapshot()["uptime_seconds"]

    assert scene.ctl("reload", "--wait") == 0

    snapshot = scene.client.snapshot()
    assert snapshot["totals"]["requests"] == 4
    assert snapshot["uptime_seconds"] > started
    assert snapshot["reload"] == {"wanted": 0, "ended": 1, "generation": 2}


@pytest.mark.parametrize("scene", [{"preload_app": True}], indirect=True)
def test_a_reload_takes_the_time_of_its_dry_run_too(scene, tmp_path):
    source = (tmp_path / "app.py").read_text()
    (tmp_path / "app.py").write_text(f"import time\ntime.sleep(0.3)\n{source}")
    began = time.monotonic()

    assert scene.ctl("reload", "--wait") == 0

    # It is imported in the dry run, and after the re-exec.
    assert 0.6 <= scene.client.snapshot()["reloads"][0]["seconds"] <= time.monotonic() - began


def test_workers_are_scaled_and_recycled(scene, capsys):
    assert scene.ctl("scale", "3", "--wait") == 0
    assert [each["index"] for each in scene.client.snapshot()["workers"]] == [0, 1, 2]
    assert capsys.readouterr().out == "3 workers wanted, not 2\n"
    assert scene.ctl("scale", "3") == 0
    assert capsys.readouterr().out == "3 workers wanted, as before\n"
    assert scene.ctl("scale", "1", "--wait") == 0
    assert capsys.readouterr().out == "1 worker wanted, not 3\n"
    asked_by = f"ctl (pid {os.getpid()}, uid {os.getuid()})"
    assert f"1 worker wanted, not 3, asked by {asked_by}\n" in scene.server.log
    assert scene.ctl("scale", "3", "--wait") == 0
    before = worker(scene, 1)["pid"]

    assert scene.ctl("recycle", "1", "--wait") == 0

    assert worker(scene, 1)["pid"] != before
    wait_until(lambda: scene.client.snapshot()["exits"]["by_kind"]["recycled"] == 1)
    assert scene.client.snapshot()["exits"]["latest"][0]["reason"] == "recycled (ctl)"
    with pytest.raises(Refused, match="there is no worker 7"):
        scene.ctl("recycle", "7")
    with pytest.raises(Refused, match="expected 0 to 4096 workers"):
        scene.ctl("scale", "5000")
    with pytest.raises(
        Refused, match=r"room for 63 workers at most, not for 64: .* workers = 64 and reload"
    ):
        scene.ctl("scale", "64")
    assert scene.client.snapshot()["wanted"] == 3


@pytest.mark.parametrize("other", ["scale", "drain"])
def test_a_scale_ends_when_its_number_is_not_the_one_that_is_wanted(scene, tmp_path, other):
    (tmp_path / "app.py").write_text(WAITS + APPLICATION)
    found = []

    def scale():
        with pytest.raises(Refused) as caught:
            scene.ctl("scale", "3", "--wait", "--timeout", f"{2 * DEADLINE}")
        found.append(str(caught.value))

    thread = threading.Thread(target=scale)
    thread.start()
    wait_until(lambda: len(scene.client.snapshot()["workers"]) == 3)
    held = scene.get("/stuck", wait=False)
    wait_until(lambda: [each for each in scene.client.snapshot()["workers"] if each["busy"]])
    scene.client.do(other, 2)
    thread.join(DEADLINE)

    assert not thread.is_alive()
    expected = "2 workers wanted by now, not 3: the log says who has asked for it"
    assert found == ["the server stops" if other == "drain" else expected]
    held.close()


@pytest.mark.parametrize("scene", [{}, {"preload_app": True}], indirect=True)
def test_a_reload_that_changes_the_number_of_workers_says_so(scene):
    assert scene.ctl("scale", "3", "--wait") == 0

    assert scene.ctl("reload", "--wait") == 0

    assert scene.client.snapshot()["wanted"] == 2
    assert "2 workers wanted, not 3, asked by a reload\n" in scene.server.log


def test_the_stacks_of_a_stuck_worker_are_shown(scene, capsys):
    held = scene.get("/stuck", "an-id", wait=False)
    wait_until(lambda: [each for each in scene.client.snapshot()["workers"] if each["busy"]])
    (index,) = [each["index"] for each in scene.client.snapshot()["workers"] if each["busy"]]

    for _ in range(2):
        assert scene.ctl("stacks", str(index)) == 0

        out = capsys.readouterr().out
        assert out.count("app.py") == 1
        assert "in application" in out
    assert scene.ctl("requests") == 0
    assert "an-id" in capsys.readouterr().out
    held.close()


def test_of_two_workers_with_one_index_the_stacks_are_those_of_the_one_that_is_not_ready(
    scene, tmp_path, capsys
):
    pid = worker(scene, 0)["pid"]
    (tmp_path / "app.py").write_text(WAITS + APPLICATION)
    scene.ctl("reload")
    wait_until(lambda: len(scene.client.snapshot()["workers"]) == 3)
    capsys.readouterr()

    def shown():
        try:
            scene.ctl("stacks", "0")
        except Refused:  # it is not far enough to write any
            return ""
        return capsys.readouterr().out

    wait_until(lambda: 'app.py", line 2 in <module>' in shown())
    assert f"(pid {pid})" not in shown()


def test_a_reload_that_hangs_is_shown_and_what_waits_for_it_is_said_to_wait(
    scene, tmp_path, capsys
):
    (tmp_path / "app.py").write_text(WAITS + APPLICATION)
    scene.ctl("reload")
    assert capsys.readouterr().out == "the reload has begun\n"
    wait_until(lambda: len(scene.client.snapshot()["workers"]) == 3)
    # The arbiter publishes its generation after it has forked.
    wait_until(lambda: scene.client.snapshot()["reload"]["generation"] == 2)

    snapshot = scene.client.snapshot()
    assert (snapshot["generation"], snapshot["reload"]["generation"]) == (1, 2)
    assert "A reload is under way: 2 workers are left of the old generation." in [
        each["text"] for each in snapshot["faults"]
    ]
    assert "hookserve_generation 1\n" in scene.fetch("/metrics")[1]
    (pid,) = [each["pid"] for each in snapshot["workers"] if each["state"] == "booting"]
    scene.ctl("reload")
    scene.ctl("recycle", "1")
    old = worker(scene, 1)["pid"]
    assert capsys.readouterr().out.splitlines() == [
        f"the reload begins when the one under way is over: worker 0 (pid {pid}) is booting",
        f"worker 1 (pid {old}) is to be replaced, which may have to wait:"
        f" worker 0 (pid {pid}) is booting",
    ]


@pytest.mark.parametrize("scene", [{"drain_delay": 0.3}], indirect=True)
def test_the_drain_delay_is_over_though_a_stuck_worker_says_that_it_is_ready(scene):
    with contextlib.closing(scene.get("/stuck", wait=False)):
        wait_until(lambda: [each for each in scene.client.snapshot()["workers"] if each["busy"]])
        scene.ctl("drain")

        def faults():
            return [each["text"] for each in scene.client.snapshot()["faults"]]

        wait_until(lambda: "stopping, asked by" in scene.server.log)
        wait_until(lambda: "it waits for 1 request in flight" in faults()[0])

        def states():
            return [each["state"] for each in scene.client.snapshot()["workers"]]

        wait_until(lambda: states() == ["draining"])  # the other one has ended


def test_a_server_that_is_drained_answers_until_its_last_request_is_over(scene, tmp_path, capsys):
    held = scene.get("/stuck", wait=False)
    wait_until(lambda: [each for each in scene.client.snapshot()["workers"] if each["busy"]])
    assert scene.ctl("drain") == 0

    wait_until(lambda: len(scene.client.snapshot()["workers"]) == 1)
    assert scene.client.snapshot()["is_draining"]
    (fault,) = [each["text"] for each in scene.client.snapshot()["faults"]]
    assert fault.startswith("The server is stopping: it waits for 1 request in flight, the oldest")
    assert f"stopping, asked by ctl (pid {os.getpid()}, uid {os.getuid()})" in scene.server.log
    (tmp_path / "go on").touch()
    assert held.getresponse().status == 200
    assert scene.server.wait() == 0

    assert is_answered(scene.client) is None
    assert not scene.path.exists()
