"""Workers that die, hang or cannot boot; their number, their reload; the daemon."""

import os
import re
import signal
import socket
import subprocess
import time

import httpx
import pytest
from support.command import hookserve
from support.models import MODELS
from support.paths import SUPPORT
from support.processes import is_alive
from support.sockets import read_to_end
from support.sources import source_that_returns

from hookserve.testing import serve, wait_until
from hookserve.testing.waiting import DEADLINE
from tests.support import web

APPLICATIONS = {"chdir": SUPPORT}


def test_a_killed_worker_is_replaced_and_the_reason_is_logged():
    with serve("applications:hello", workers=2, **APPLICATIONS) as server:
        victim = server.workers()[0]

        os.kill(victim, signal.SIGKILL)
        gone = server.wait_for("exit", lambda event: event["pid"] == victim)
        replacement = server.wait_for("ready", lambda event: event["index"] == 0, count=2)

        assert (gone["kind"], gone["detail"]) == ("killed", "SIGKILL")
        assert replacement["pid"] != victim
        assert web.get(server.url).status_code == 200


def test_a_worker_stuck_in_c_is_reported_aborted_and_replaced():
    settings = {"timeout": 1, "abort_timeout": 0.5}
    with serve("applications:busy", settings=settings, **APPLICATIONS) as server:
        victim = server.workers()[0]

        with pytest.raises(httpx.HTTPError):
            web.get(f"{server.url}/in-c", timeout=DEADLINE)
        gone = server.wait_for("exit", lambda event: event["pid"] == victim)
        server.wait_for("ready", count=2)

        assert gone["kind"] == "timed out"
        assert "GET /in-c" in gone["detail"]
        assert "applications.py" in server.log
        assert web.get(server.url).status_code == 200


def test_a_request_that_runs_too_long_is_ended_with_its_worker():
    settings = {"request_timeout": 0.5, "abort_timeout": 0.5, "timeout": 0}
    with serve("applications:busy", settings=settings, **APPLICATIONS) as server:
        with pytest.raises(httpx.HTTPError):
            web.get(f"{server.url}/sleep/20", timeout=DEADLINE)

        gone = server.wait_for("exit")

        assert gone["kind"] == "timed out"
        assert "a request has run" in gone["detail"]


def test_a_worker_that_is_slow_to_boot_is_ended(tmp_path):
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    settings = {"boot_timeout": 0.5, "abort_timeout": 0.3}
    with serve("slow", settings=settings, chdir=tmp_path, wait=False) as server:
        gone = server.wait_for("exit")

        assert gone["kind"] == "timed out"
        assert server.wait() == 3


@pytest.mark.parametrize(
    ("source", "specification", "code", "message"),
    [
        ("import nosuchthing", "app", 3, "ModuleNotFoundError: No module named 'nosuchthing'"),
        ("1 / 0", "app", 3, "ZeroDivisionError: division by zero"),
        ("raise SystemExit(5)", "app", 3, "SystemExit: 5"),
        ("x = (", "app", 3, "SyntaxError"),
        ("pass", "app", 4, "has no attribute 'application'"),
        ("application = 5", "app", 4, "is not callable"),
        ("pass", "elsewhere", 4, "there is no module elsewhere"),
        ("def make(): 1 / 0", "app:make()", 3, "ZeroDivisionError: division by zero"),
    ],
)
def test_an_application_that_cannot_be_loaded_ends_the_server(
    tmp_path, source, specification, code, message
):
    (tmp_path / "app.py").write_text(source)

    result = hookserve("-w", "2", "-b", "127.0.0.1:0", specification, cwd=tmp_path)

    assert result.returncode == code
    assert message in result.stderr.splitlines()[-1]


def test_a_port_in_use_is_one_line_and_exit_code_1(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"

        result = hookserve("-b", address, "applications:hello", cwd=SUPPORT)

    last = result.stderr.splitlines()[-1]
    assert result.returncode == 1
    assert last.startswith(f"hookserve: cannot listen on {address}: address already in use")
    assert "Traceback" not in result.stderr


def test_one_worker_that_cannot_boot_later_does_not_stop_the_others(tmp_path):
    (tmp_path / "app.py").write_text(
        "import os\nfrom applications import hello as application\n"
        "if os.path.exists('broken'): raise RuntimeError('dependency down')\n"
    )
    path = {"PYTHONPATH": str(SUPPORT)}
    with serve("app", workers=2, chdir=tmp_path, environ=path) as server:
        (tmp_path / "broken").touch()
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_for("exit", lambda event: event["kind"] == "boot failed", count=2)

        assert web.get(server.url).status_code == 200
        assert server.process.poll() is None

        (tmp_path / "broken").unlink()
        server.wait_for("ready", lambda event: event["index"] == 0, count=2)


def test_more_and_fewer_workers_by_signal():
    with serve("applications:hello", **APPLICATIONS) as server:
        server.signal(signal.SIGTTIN)
        server.wait_for("ready", lambda event: event["index"] == 1)

        server.signal(signal.SIGTTOU)
        gone = server.wait_for("exit", lambda event: event["index"] == 1)

        assert gone["kind"] == "drained"
        server.signal(signal.SIGTTOU)
        server.signal(signal.SIGTTIN)
        server.wait_for("wanted", lambda event: event["count"] == 2, count=2)


def test_a_resized_terminal_drains_no_worker():
    with serve("applications:hello", **APPLICATIONS) as server:
        server.signal(signal.SIGWINCH)
        server.signal(signal.SIGTTIN)

        server.wait_for("wanted", lambda event: event["count"] == 2)
        assert web.get(server.url).status_code == 200
        assert not [event for event in server.events if event["event"] == "exit"]


def test_a_worker_ignores_the_arbiters_signals():
    with serve("applications:hello", **APPLICATIONS) as server:
        pid = server.workers()[0]

        for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTTIN):
            os.kill(pid, number)

        assert web.get(server.url).text.split()[0] == str(pid)


def test_a_worker_is_recycled_after_its_requests_and_the_replacement_is_ready_first():
    with serve("applications:hello", settings={"max_requests": 5}, **APPLICATIONS) as server:
        for _ in range(20):
            assert web.get(server.url).status_code == 200
        gone = server.wait_for("exit")

        assert (gone["kind"], gone["detail"]) == ("recycled", "max_requests")
        order = [event["event"] for event in server.events if event["event"] in ("ready", "exit")]
        assert order[:3] == ["ready", "ready", "exit"]


def test_a_reload_replaces_every_worker_and_reads_the_code_again(tmp_path):
    application = tmp_path / "app.py"
    application.write_text(source_that_returns("old"))
    with serve("app", workers=2, chdir=tmp_path) as server:
        application.write_text(source_that_returns("newer"))
        server.signal(signal.SIGHUP)
        server.wait_for("ready", lambda event: event["generation"] == 2, count=2)
        server.wait_for("exit", count=2)

        assert {web.get(server.url).text for _ in range(8)} == {"newer"}


def test_a_reload_of_a_broken_application_leaves_the_old_workers_alone(tmp_path):
    application = tmp_path / "app.py"
    application.write_text(source_that_returns("old"))
    with serve("app", workers=2, chdir=tmp_path) as server:
        before = server.workers()
        application.write_text("raise RuntimeError('half a deployment')")
        server.signal(signal.SIGHUP)
        failed = server.wait_for("reload failed")

        assert "half a deployment" in failed["reason"]
        assert server.workers() == before
        assert web.get(server.url).text == "old"
        # The hook is called first: the error is the last line of the log.
        wait_until(lambda: "half a deployment" in server.log.splitlines()[-1])


@pytest.mark.parametrize("preload", [False, True])
@pytest.mark.parametrize(("number", "count"), [(signal.SIGTTIN, 4), (signal.SIGTTOU, 1)])
def test_the_number_of_workers_changes_once_the_new_code_serves(tmp_path, preload, number, count):
    """A reload keeps as many as are configured again, unless its canary cannot boot; with a
    preloaded application that is after the dry run."""
    configuration, settings = tmp_path / "hookserve.conf.py", {"preload_app": preload}
    (tmp_path / "app.py").write_text(source_that_returns("same"))
    configuration.touch()
    with serve("app", workers=2, chdir=tmp_path, settings=settings) as server:
        for now in (3, 4) if count > 2 else (1,):
            server.signal(number)
            wait_until(lambda now=now: len(server.workers()) == now)
        before = server.workers()
        configuration.write_text("def post_fork(server, worker): raise RuntimeError('a slip')\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reload failed")
        wait_until(lambda: "the reload was cancelled" in server.log)
        assert server.workers() == before

        configuration.write_text("")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        wait_until(lambda: len(server.workers()) == 2)

        assert server.log.count("2 workers wanted, not") == 1
        assert not set(server.workers().values()) & set(before.values())


def test_a_reload_with_a_broken_configuration_file_changes_nothing(tmp_path):
    (tmp_path / "app.py").write_text(source_that_returns("same"))
    (tmp_path / "hookserve.conf.py").write_text("workers = 1\n")
    with serve("app", chdir=tmp_path) as server:
        before = server.workers()
        (tmp_path / "hookserve.conf.py").write_text("workers = (\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reload failed")

        assert server.workers() == before
        assert web.get(server.url).text == "same"


@pytest.mark.parametrize("changed", ["errorlog = 'new.log'", "loglevel = 'critical'"])
def test_after_a_refused_reload_the_old_log_goes_on(tmp_path, changed):
    settings, log = "errorlog = 'old.log'\nloglevel = 'info'\n", tmp_path / "old.log"
    (tmp_path / "app.py").write_text(source_that_returns("same"))
    (tmp_path / "hookserve.conf.py").write_text(settings)
    with serve("app", chdir=tmp_path) as server:
        (tmp_path / "app.py").write_text("raise RuntimeError('half a deployment')")
        (tmp_path / "hookserve.conf.py").write_text(f"{settings}{changed}\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reload failed")
        wait_until(lambda: "the reload was cancelled" in log.read_text())
        before = log.read_text()
        (tmp_path / "app.py").write_text(source_that_returns("same"))
        server.signal(signal.SIGTTIN)

        wait_until(lambda: " ready" in log.read_text().removeprefix(before))
    assert "stopped" in log.read_text()


def test_preloaded_applications_are_imported_once(tmp_path):
    (tmp_path / "app.py").write_text(
        "import os\nopen('imports', 'a').write(f'{os.getpid()}\\n')\n" + source_that_returns("x")
    )
    with serve("app", workers=3, chdir=tmp_path, settings={"preload_app": True}) as server:
        imports = (tmp_path / "imports").read_text().split()

        assert imports == [str(server.pid)]
        assert web.get(server.url).text == "x"


def test_a_crash_loop_backs_off(tmp_path):
    (tmp_path / "app.py").write_text(
        "import os, signal\n"
        + source_that_returns("x")
        + "if os.path.exists('crash'): os.abort()\n"
    )
    with serve("app", workers=1, chdir=tmp_path) as server:
        (tmp_path / "crash").touch()
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_for("exit", count=3)

        assert re.search(r"started again in 0\.5 s", server.log)


def test_the_pidfile_is_written_and_removed(tmp_path):
    path = tmp_path / "pid"
    with serve("applications:hello", settings={"pidfile": path}, **APPLICATIONS) as server:
        assert path.read_text() == f"{server.pid}\n"

        server.stop()

        assert not path.exists()


@pytest.mark.serial
def test_a_busy_worker_leaves_new_connections_to_the_others():
    with serve("applications:busy", workers=2, **APPLICATIONS) as server:
        with socket.create_connection(server.address) as client:
            client.sendall(b"GET /sleep/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            began = time.monotonic()

            answers = [web.get(server.url).text.split()[0] for _ in range(20)]

            assert time.monotonic() - began < 2.5
            assert read_to_end(client).rpartition(b"\n")[2].split()[0].decode() not in answers


def test_a_daemon_reports_that_it_started_and_winch_drains_its_workers(tmp_path, free_port):
    pidfile, log = tmp_path / "pid", tmp_path / "log"

    result = hookserve(
        "-D",
        "-p",
        str(pidfile),
        "--error-logfile",
        str(log),
        "-b",
        f"127.0.0.1:{free_port}",
        "applications:hello",
        cwd=SUPPORT,
    )

    assert result.returncode == 0
    pid = int(pidfile.read_text())
    try:
        worker = int(web.get(f"http://127.0.0.1:{free_port}").text.split()[0])
        os.kill(pid, signal.SIGWINCH)
        wait_until(lambda: not is_alive(worker))
        os.kill(pid, signal.SIGTTIN)
        assert web.get(f"http://127.0.0.1:{free_port}").status_code == 200
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid))


def test_a_daemon_that_cannot_start_says_so(tmp_path):
    result = hookserve("-D", "-b", "127.0.0.1:0", "nothere", cwd=tmp_path)

    assert result.returncode == 4
    assert "there is no module nothere" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its user")
def test_workers_run_as_the_user_asked_for(tmp_path):
    (tmp_path / "app.py").write_text(
        "import os\ndef application(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [repr((os.getuid(), os.getgid(), os.getgroups())).encode()]\n"
    )
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(0o755)
    with serve("app", chdir=tmp_path, settings={"user": 65534, "group": 65534}) as server:
        assert web.get(server.url).text == "(65534, 65534, [65534])"


@pytest.mark.skipif(not os.path.exists("/usr/bin/strace"), reason="strace is not installed")
@pytest.mark.parametrize("worker", MODELS)
def test_an_idle_server_sleeps(tmp_path, worker):
    with serve("applications:hello", worker=worker, workers=2, **APPLICATIONS) as server:
        web.get(server.url)
        pids = [server.pid, *server.workers().values()]
        trace = tmp_path / "trace"
        command = ["strace", "-f", "-o", str(trace)]
        for pid in pids:
            command += ["-p", str(pid)]

        subprocess.run(["timeout", "5", *command], capture_output=True, check=False)

        returned = [line for line in trace.read_text().splitlines() if "= " in line]
        woken = dict.fromkeys(pids, 0)
        for line in returned:
            if "wait" in line or "poll" in line:
                thread = int(line.split()[0])
                woken[thread] = woken.get(thread, 0) + 1
        assert max(woken.values()) <= 1, trace.read_text()
