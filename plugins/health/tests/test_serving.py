"""Health checks of running servers."""

import os
import pwd
import signal
import socket
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command import hookserve
from support.processes import children_of

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, request

pytestmark = pytest.mark.process

APPLICATION = """
import os, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/hang":
        time.sleep(60)
    start_response("200 OK", [("Content-Length", "3")])
    return [b"app"]

def check():
    open("checked", "w").write(str(os.getuid()))
    if os.path.exists("crash"):
        os.abort()
    if os.path.exists("broken"):
        raise ConnectionError("no database")
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


@contextmanager
def serving(site, app="app", worker="sync", workers=2, **settings):
    settings = {"health_bind": f"unix:{site}/health", **settings}
    with serve(app, worker=worker, workers=workers, chdir=site, settings=settings) as server:
        yield server


def ask_socket(path, data):
    """What a socket at that path answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        if data:
            client.sendall(data)
        received = b""
        while data := client.recv(4096):
            received += data
        return received


def check(site, name="ready"):
    """Status and text of a health check at the address of its own."""
    answer = ask_socket(site / "health", f"GET /-/{name} HTTP/1.1\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode().strip()


class Checking(threading.Thread):
    """Asks all the time; `others` is what was not ready."""

    def __init__(self, site):
        super().__init__()
        self.site, self.count, self.others, self._ends = site, 0, [], threading.Event()
        self.start()

    def run(self):
        while not self._ends.wait(0.005):
            try:
                answer = check(self.site)
            except OSError as error:
                answer = repr(error)
            self.count += 1
            if answer != (200, "ready"):
                self.others.append(answer)

    def stop(self):
        self._ends.set()
        self.join()


def test_the_address_of_its_own_answers_while_every_worker_hangs(site):
    with serving(site, health=True, quick_timeout=0.1, abort_timeout=0.1) as server:
        hung = [Client(server.address) for _ in range(2)]
        for client in hung:
            client.send(request("/hang"))
        wait_until(lambda: check(site) == (200, "ready"))
        began = time.monotonic()

        assert check(site, "live") == (200, "live")
        assert check(site, "startup") == (200, "started")
        assert check(site, "other")[0] == 404
        assert time.monotonic() - began < 2
        for client in hung:
            client.socket.close()
        server.stop(signal.SIGQUIT)


def test_term_turns_readiness_off_while_requests_are_served(site):
    with serving(site, drain_delay=60, health=True) as server:
        wait_until(lambda: check(site)[0] == 200)
        server.signal(signal.SIGTERM)
        wait_until(lambda: check(site) == (503, "draining"))

        assert ask(server.address).text == "app"
        assert ask(server.address, "/-/ready").status == 503
        assert check(site, "live") == (200, "live")
        assert server.stop() == 0
    assert not (site / "health").exists()


def test_live_is_answered_until_the_last_worker_is_gone(site):
    with serving(site, graceful_timeout=60) as server:
        with Client(server.address) as client:
            client.send(request("/hang"))
            wait_until(lambda: check(site)[0] == 200)
            server.signal(signal.SIGTERM)
            wait_until(lambda: check(site) == (503, "draining"))
            assert check(site, "live") == (200, "live")
        assert server.stop(signal.SIGQUIT) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_term_for_every_process_ends_no_health_check_before_the_server(site, workers):
    """As a service manager sends it (KillMode=control-group)."""
    agent = site / "agent"
    settings = {"drain_delay": 60, "health_agent_bind": f"unix:{agent}"}
    with serving(site, workers=workers, **settings) as server:
        wait_until(lambda: check_or_none(site) == (200, "ready"))
        for pid in {server.pid, *children_of(server.pid)}:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: server.log.count("ready") >= 2 * workers)

        assert check(site) == (503, "draining")
        assert check(site, "live") == (200, "live")
        assert ask_socket(agent, b"") == b"up ready 1%\n"
        assert ask(server.address).text == "app"
        assert server.stop() == 0
        assert server.log.count("auxiliary health") == 2


def test_a_process_that_is_told_to_end_while_the_server_goes_on_is_started_again(site):
    with serving(site) as server:
        wait_until(lambda: check_or_none(site) == (200, "ready"))
        (pid,) = set(children_of(server.pid)) - set(server.workers().values())
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: server.log.count("started") > 1)
        wait_until(lambda: check_or_none(site) == (200, "ready"))


def test_the_applications_check_decides(site):
    with serving(site, health_check="app:check", health_check_interval=0.05) as server:
        wait_until(lambda: check(site) == (200, "ready"))
        (site / "broken").touch()
        wait_until(lambda: check(site) == (503, "check failed: app:check"))
        wait_until(lambda: "no database" in server.log)
        assert server.log.count("not ready") == 1
        (site / "broken").unlink()
        wait_until(lambda: check(site) == (200, "ready"))


def test_a_check_that_ends_its_process_fails_and_holds_no_answer_back(site):
    settings = {"health": True, "health_check": "app:check", "health_check_interval": 0.05}
    with serving(site, **settings) as server:
        wait_until(lambda: check(site) == (200, "ready"))
        (site / "crash").touch()
        failed = (503, "check failed: app:check, its process has ended")
        wait_until(lambda: check(site) == failed)
        while server.log.count("killed (SIGABRT); started again in") < 3:
            assert check(site) == failed
            assert check(site, "live") == (200, "live")
        answer = ask(server.address, "/-/ready")
        assert (answer.status, answer.text.strip()) == failed
        (site / "crash").unlink()
        wait_until(lambda: check(site) == (200, "ready"))


def test_what_has_started_stays_so_in_new_workers_after_reloads_and_upgrades(site):
    settings = {"health": True, "health_check": "app:check", "health_check_interval": 0.05}
    with serving(site, max_requests=1, pidfile=site / "pid", **settings) as server:
        wait_until(lambda: check(site, "startup") == (200, "started"))
        (site / "broken").touch()
        wait_until(lambda: check(site)[0] == 503)
        for index, old in server.workers().items():
            while server.workers().get(index, old) == old:
                ask(server.address)
        assert {ask(server.address, "/-/startup").text for _ in range(9)} == {"started\n"}
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: generation" in server.log)
        wait_until(lambda: check_or_none(site, "startup") == (200, "started"))
        assert ask(server.address, "/-/startup").text == "started\n"
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor serves" in server.log)
        successor = int((site / "pid.2").read_text())
        server.signal(signal.SIGTERM)
        server.wait()
        assert ask(server.address, "/-/startup").text == "started\n"
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not (site / "pid").exists())


@pytest.mark.skipif(os.getuid() != 0, reason="to become another user takes root")
def test_the_applications_check_runs_as_the_user_of_the_workers():
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)  # pytest's own is closed to other users
        site.chmod(0o777)
        (site / "app.py").write_text(APPLICATION)
        with serving(site, health_check="app:check", user="nobody"):
            wait_until(lambda: check(site) == (200, "ready"))
            assert (site / "checked").read_text() == str(pwd.getpwnam("nobody").pw_uid)


def test_the_agent_says_how_many_places_are_free(site):
    agent = site / "agent"
    settings = {"threads": 2, "health_agent_bind": f"unix:{agent}", "drain_delay": 60}
    with serving(
        site, worker="gthread", quick_timeout=0.1, abort_timeout=0.1, **settings
    ) as server:
        wait_until(lambda: ask_socket(agent, b"") == b"up ready 100%\n")
        with Client(server.address) as client:
            client.send(request("/hang"))
            wait_until(lambda: ask_socket(agent, b"") == b"up ready 75%\n")
            server.signal(signal.SIGTERM)
            wait_until(lambda: ask_socket(agent, b"") == b"up ready 1%\n")
        server.stop(signal.SIGQUIT)


@pytest.mark.parametrize("name", ["", "app:check", "slow:check"])
def test_a_reload_is_ready_all_the_time(site, name):
    (site / "slow.py").write_text("import time; time.sleep(0.3)\nfrom app import check\n")
    settings = {"health_check": name, "health_check_timeout": 0.2} if name else {}
    with serving(site, **settings) as server:
        wait_until(lambda: check(site)[0] == 200)
        checking = Checking(site)
        for count in (1, 2):
            server.signal(signal.SIGHUP)
            wait_until(lambda count=count: server.log.count("reloaded: generation") == count)
            wait_until(lambda count=count: server.log.count("auxiliary health") >= 1 + 2 * count)
        wait_until(lambda: checking.count > 10)
        checking.stop()

        assert checking.others == []


def test_a_reload_that_drops_the_address_closes_it(site):
    config = site / "hookserve.conf.py"
    config.write_text(f"health_bind = 'unix:{site}/health'\n")
    with serve("app", chdir=site) as server:
        wait_until(lambda: check(site)[0] == 200)
        config.write_text("")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in server.log)
        wait_until(lambda: not (site / "health").exists())


def test_a_reload_turns_the_checks_on_and_an_upgrade_keeps_them(site):
    config = site / "hookserve.conf.py"
    config.write_text("")
    with serve("app", chdir=site, settings={"pidfile": site / "pid"}) as server:
        config.write_text(f"health_bind = 'unix:{site}/health'\n")
        server.signal(signal.SIGHUP)
        wait_until(lambda: (site / "health").exists())
        wait_until(lambda: check_or_none(site) == (200, "ready"))
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor serves" in server.log)
        successor = int((site / "pid.2").read_text())
        server.signal(signal.SIGTERM)
        server.wait()
        wait_until(lambda: check_or_none(site) == (200, "ready"))
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not (site / "pid").exists())


def test_an_upgrade_is_ready_but_for_a_moment(site):
    """The address changes hands when the predecessor is gone: checks may miss it once."""
    with serving(site, pidfile=site / "pid") as server:
        wait_until(lambda: check(site)[0] == 200)
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor serves" in server.log)
        successor = int((site / "pid.2").read_text())
        checking = Checking(site)
        server.signal(signal.SIGTERM)
        server.wait()
        wait_until(lambda: "auxiliary health" in server.log.rpartition("is gone")[2])
        wait_until(lambda: check_or_none(site) == (200, "ready"))
        checking.stop()
        os.kill(successor, signal.SIGTERM)

        # No answer at all means that the address is not listened on at that moment.
        answers = {each for each in checking.others if not isinstance(each, str)}
        assert answers <= {(200, "ready: the successor serves")}
        wait_until(lambda: not (site / "pid").exists())


def check_or_none(site, name="ready"):
    try:
        return check(site, name)
    except OSError:
        return None


@pytest.mark.parametrize("flag", ["--check-config", "--preload"])
@pytest.mark.parametrize("target", ["nomod:zz", "app:chekc"])
def test_a_check_that_is_not_there_is_one_line(site, flag, target):
    flags = ["--health-bind", "unix:health", "-b", "127.0.0.1:0", "--health-check", target]
    done = hookserve(*flags, flag, "app", cwd=site)

    assert done.returncode == 4
    assert f"(to call {target})" in done.stderr.splitlines()[-1]


def test_a_check_that_is_there_is_not_imported_before_its_process_is(site):
    (site / "own.py").write_text("raise AssertionError\n")
    done = hookserve("--health", "--health-check", "own:c", "--check-config", "app", cwd=site)
    assert done.returncode == 0


def test_a_module_that_comes_later_is_waited_for(site):
    with serving(site, health_check="late:check", health_check_interval=0.05):
        wait_until(lambda: check(site) == (503, "check failed: late:check"))
        (site / "late.py").write_text("def check(): pass\n")
        wait_until(lambda: check(site) == (200, "ready"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--health-bind", "8000"], "is a port without a host"),
        (["--health-check", "app.check"], "expected module:function"),
        (["--health-prefix", "health"], "a slash at both ends"),
        (["--health-prefix", "/a b/"], "a slash at both ends"),
    ],
)
def test_a_wrong_setting_is_one_line(site, flags, message):
    done = hookserve(*flags, "app", cwd=site)

    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_checks_of_an_application_that_patches_the_standard_library_are_run(site):
    """The first round imports it, in the process that runs the checks."""
    patching = "from gevent import monkey\nmonkey.patch_all()\n" + APPLICATION
    waiting = "def check():\n    time.sleep(0.01)\n"
    (site / "app.py").write_text(patching.replace("def check():\n", waiting))
    with serving(site, health_check="app:check", health_check_interval=0.1) as server:
        wait_until(lambda: check(site) == (200, "ready"))
        (site / "broken").touch()
        wait_until(lambda: check(site)[0] == 503)
        (site / "broken").unlink()
        wait_until(lambda: check(site) == (200, "ready"))

        assert server.stop() == 0
