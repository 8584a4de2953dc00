"""What gunicorn is known to get wrong around its arbiter, and what must not happen here.

Each test names the number of the regression (W...).  Those that are forbidden elsewhere: W2, W4,
W20a, W30, W35, W36, W38 and W59's WINCH in `test_lifecycle`, W7's hooks and W8 in `test_hooks`, W9b
in `tests/listeners/test_listener`, W24 in `tests/reactor`, W26 with tornado's worker, W31 and W34
in the contract, W58 with systemd's plugin.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.paths import SUPPORT

from hookserve.testing import serve, wait_until
from hookserve.testing.kernel import is_read
from tests.chaos.driver import Driver
from tests.chaos.scene import is_alive, opened_by
from tests.support import web

ROOT = Path(__file__).parents[2]
HERE = {"chdir": SUPPORT}
NO_DISK = ("/dev/", "/memfd:")


def begin(server, path):
    """A request that runs in the application when this returns."""
    client = socket.create_connection(server.address, timeout=20)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    wait_until(lambda: is_read(client))
    return client


def accepts(server):
    """Whether a new connection is made, though perhaps not served."""
    with socket.socket() as client:
        client.settimeout(0.3)
        try:
            client.connect(server.address)
        except (TimeoutError, ConnectionRefusedError):
            return False
        return True


def write_app(directory, *lines):
    (directory / "app.py").write_text("\n".join(["import os, time", *lines, HELLO]))
    return {"chdir": directory}


HELLO = """
def application(environ, start_response):
    body = str(os.getpid()).encode()
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body]
"""


def test_a_configuration_file_that_vanishes_does_not_end_the_server(tmp_path):
    """W1."""
    (tmp_path / "settings.py").write_text("workers = 1\n")
    with serve("app", arguments=["-c", "settings.py"], **write_app(tmp_path)) as server:
        before = server.workers()
        (tmp_path / "settings.py").unlink()
        server.signal(signal.SIGHUP)
        server.wait_for("reload failed")

        assert web.get(server.url).text == str(before[0])


def test_workers_that_fail_while_the_server_ends_for_a_failed_boot_change_nothing(tmp_path):
    """W3: one exit code, one last line, no traceback of the arbiter's, no process left."""
    slow = "time.sleep(int(os.environ['HOOKSERVE_WORKER_INDEX']) * 0.3)"
    app = write_app(tmp_path, slow, "raise RuntimeError('no database')")
    with serve("app", workers=3, wait=False, **app) as server:
        code = server.wait()

        assert code == 3
        assert "no database" in server.log.splitlines()[-1]
        assert "a turn of the arbiter failed" not in server.log
        assert not any(
            is_alive(event["pid"]) for event in server.events if event["event"] == "exit"
        )


def test_a_reload_that_waits_for_a_slow_request_holds_up_nothing_else():
    """W5: ended workers are replaced and signals handled while an old worker drains."""
    with serve("applications:busy", workers=2, **HERE) as server, begin(server, "/sleep/4"):
        began = time.monotonic()
        server.signal(signal.SIGHUP)
        server.wait_for("ready", lambda event: event["generation"] == 2, count=2)
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_for("ready", lambda event: event["generation"] == 2, count=3)
        server.signal(signal.SIGTTIN)
        server.wait_for("ready", lambda event: event["index"] == 2)

        assert time.monotonic() - began < 3.5


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTTOU])
def test_a_retired_worker_that_overruns_its_time_is_ended(number):
    """W6."""
    settings = {"graceful_timeout": 0.5, "abort_timeout": 0.3}
    with serve("applications:busy", workers=2, settings=settings, **HERE) as server:
        with begin(server, "/sleep/20"), begin(server, "/sleep/20"):
            began = time.monotonic()
            server.signal(number)
            gone = server.wait_for("exit")

            assert gone["kind"] == "timed out"
            assert time.monotonic() - began < 5


def test_a_fork_that_fails_is_tried_again(tmp_path):
    """W7."""
    environ = {"CHAOS_DIRECTORY": str(tmp_path), "PYTHONPATH": str(ROOT)}
    arguments = ["-P", "tests.chaos.no_forks"]
    with serve("applications:hello", arguments=arguments, environ=environ, **HERE) as server:
        (tmp_path / "no-forks").touch()
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_for("exit")
        wait_until(lambda: "cannot fork worker 0" in server.log)
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "cannot start a successor" in server.log)
        (tmp_path / "no-forks").unlink()

        server.wait_for("ready", count=2)
        assert web.get(server.url).status_code == 200


@pytest.mark.parametrize("name", ["{}/s", "@hookserve-{}"])
def test_a_path_that_is_gone_or_never_was_does_not_abort_the_stop(tmp_path, name):
    """W9a."""
    address = name.format(tmp_path if "/" in name else os.getpid())
    with serve("applications:hello", bind=f"unix:{address}", **HERE) as server:
        pids = list(server.workers().values())
        if "/" in name:
            Path(address).unlink()

        assert server.stop() == 0
        assert not any(map(is_alive, pids))


def test_no_client_is_connected_to_a_stopping_server_and_then_reset():
    """W20b: the last request runs on; a new client is not accepted only to be dropped."""
    with serve("applications:busy", **HERE) as server, begin(server, "/sleep/1.5") as running:
        server.signal(signal.SIGTERM)

        wait_until(lambda: not accepts(server))
        assert running.recv(1000).startswith(b"HTTP/1.1 200")
        assert server.wait() == 0


@pytest.mark.parametrize("worker", ["sync", "gthread"])
def test_a_shared_port_loses_nothing_when_workers_come_and_go(worker):
    """W21, W21b: the sockets are the arbiter's, whatever the kernel spreads over them."""
    settings = {"reuse_port": True}
    with serve("applications:hello", worker=worker, workers=2, settings=settings, **HERE) as server:
        with Driver(server.address, 4, 8, 1000.0) as load:
            for count in (1, 2):
                server.signal(signal.SIGHUP)
                load.run_for(0.2)
                server.wait_for("reloaded", count=count)
            server.signal(signal.SIGTTOU)
            load.run_for(0.5)
            outcome = load.finish()

        assert outcome.failures == 0, outcome.counts
        assert outcome.answered > 300


def test_a_shared_port_is_served_after_its_address_has_changed(tmp_path, free_port):
    """W22: no socket is left behind that is listened on and never accepted from."""
    app = write_app(tmp_path)
    conf = tmp_path / "hookserve.conf.py"
    conf.write_text("bind = '127.0.0.1:0'\nreuse_port = True\n")
    with serve("app", bind=None, workers=2, **app) as server:
        conf.write_text(f"bind = '127.0.0.1:{free_port}'\nreuse_port = True\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")

        answers = {web.get(f"http://127.0.0.1:{free_port}").status_code for _ in range(40)}

        assert answers == {200}


def test_no_request_waits_for_code_that_is_slow_to_import(tmp_path):
    """W23: neither at a reload nor when workers are recycled."""
    app = write_app(tmp_path, "time.sleep(1.0)")
    with serve("app", workers=2, settings={"max_requests": 300}, **app) as server:
        with Driver(server.address, 4, 2, 400.0) as load:
            server.signal(signal.SIGHUP)
            load.wait_for(1200)
            outcome = load.finish()

        assert outcome.failures == 0, outcome.counts
        assert outcome.gap < 0.7
        assert len(server.workers()) >= 2
        server.wait_for("exit", count=2)


def test_a_successor_gets_a_descriptor_that_was_handed_in(tmp_path):
    """W25."""
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as given, log.open("wb") as stream:
        fd, (_, port) = given.fileno(), given.getsockname()
        command = [sys.executable, "-m", "hookserve", "-b", f"fd://{fd}", "applications:hello"]
        server = subprocess.Popen(command, stderr=stream, pass_fds=[fd], cwd=SUPPORT)
    pids = [server.pid]
    try:
        wait_until(lambda: " ready" in log.read_text())
        server.send_signal(signal.SIGUSR2)
        wait_until(lambda: "the successor serves" in log.read_text())
        pids.append(int(re.search(r"successor started, pid (\d+)", log.read_text())[1]))
        server.terminate()

        assert server.wait(20) == 0
        assert web.get(f"http://127.0.0.1:{port}").status_code == 200
    finally:
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not any(map(is_alive, pids)))


def test_a_signal_to_a_worker_that_has_just_been_forked_is_not_lost(tmp_path):
    """W28, W33: TERM while `post_fork` or the import still runs."""
    (tmp_path / "hookserve.conf.py").write_text(
        "import time\ndef post_fork(server, worker):\n    time.sleep(1.0)\n"
    )
    for worker in ("sync", "tornado"):
        app = write_app(tmp_path, "time.sleep(0.5)")
        with serve("app", worker=worker, wait=False, **app) as server:
            server.wait_for("listening")
            wait_until(lambda server=server: "booting" in server.log)
            began = time.monotonic()

            assert server.stop() == 0
            assert time.monotonic() - began < 5


def test_no_other_signal_shortens_the_time_between_abort_and_kill(tmp_path):
    """W32."""
    (tmp_path / "hookserve.conf.py").write_text(
        "import time\nfrom pathlib import Path\n"
        "def worker_abort(worker):\n"
        "    Path('begun').touch(); time.sleep(0.8); Path('done').touch()\n"
    )
    app = write_app(tmp_path, "def hang(environ, start_response):", "    time.sleep(30)")
    with serve("app:hang", settings={"timeout": 1, "abort_timeout": 5}, **app) as server:
        with begin(server, "/"):
            wait_until((tmp_path / "begun").exists)
            for _ in range(20):
                server.signal(signal.SIGUSR1)
                server.signal(signal.SIGTTIN)
                time.sleep(0.02)  # a storm, not one signal
            server.wait_for("exit")

            assert (tmp_path / "done").exists()


def test_a_successor_that_cannot_start_is_reported_in_the_predecessors_log(tmp_path):
    """W59."""
    with serve("app", settings={"pidfile": "pid"}, **write_app(tmp_path)) as server:
        write_app(tmp_path, "raise RuntimeError('half a deployment')")
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor has ended (3)" in server.log)

        assert web.get(server.url).status_code == 200
        assert (tmp_path / "pid").read_text() == f"{server.pid}\n"


def test_the_pidfile_is_there_all_the_time(tmp_path):
    """W59: at a reload, at an upgrade, and it is the right one at the end."""
    path = tmp_path / "pid"
    with serve("app", settings={"pidfile": path}, **write_app(tmp_path)) as server:
        server.signal(signal.SIGHUP)
        wait_until(lambda: path.read_text() and server.workers() and "reloaded:" in server.log)
        server.signal(signal.SIGUSR2)
        wait_until(lambda: path.read_text() and "the successor serves" in server.log)
        successor = server.wait_for("successor ready")["successor"]
        try:
            server.signal(signal.SIGTERM)
            wait_until(lambda: path.read_text() == f"{successor}\n")
            server.wait()
        finally:
            os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not is_alive(successor))
        assert not path.exists()


def test_the_log_names_the_requests_that_a_killed_worker_held():
    with serve("applications:busy", **HERE) as server, begin(server, "/sleep/4"):
        os.kill(server.workers()[0], signal.SIGKILL)
        wait_until(lambda: "lost with worker 0" in server.log)
        lost = next(line for line in server.log.splitlines() if "lost with worker 0" in line)
    assert "GET /sleep/4" in lost


def test_a_sign_of_life_touches_no_file(tmp_path):
    """W37: it is a word in shared memory, and no disk can hold it up."""
    with serve("app", **write_app(tmp_path)) as server:
        (pid,) = server.workers().values()
        assert web.get(server.url).status_code == 200
        opened = [path for descriptor, path in opened_by(pid).items() if descriptor > 2]
    assert [path for path in opened if path[0] == "/" and not path.startswith(NO_DISK)] == []
