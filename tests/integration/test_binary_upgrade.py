"""One arbiter after another: the binary upgrade, and the reload of a preloaded application."""

import fcntl
import os
import signal

import pytest
from support import scrapers
from support.paths import SUPPORT
from support.processes import is_alive
from support.sources import source_that_returns

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Load, ask

HERE = SUPPORT
DEADLINE = 20.0


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(source_that_returns("old"))
    return tmp_path


def upgrade(server, site):
    """Start a successor; its pid, once a worker of it is ready."""
    before = server.log.count("the successor serves")
    server.signal(signal.SIGUSR2)
    wait_until(lambda: server.log.count("the successor serves") > before)
    return int((site / "pid.2").read_text())


def test_term_to_the_old_completes_an_upgrade(site):
    settings = {"pidfile": site / "pid"}
    with serve("app", workers=2, chdir=site, settings=settings) as server:
        with Load(server.address) as load:
            (site / "app.py").write_text(source_that_returns("newer"))
            successor = upgrade(server, site)
            server.signal(signal.SIGTERM)
            wait_until(lambda: (site / "pid").read_text() == f"{successor}\n")
            assert server.wait() == 0
            load.wait_for(20)

            assert load.failures == []
        assert ask(server.address).text == "newer"
        assert not (site / "pid.2").exists()

        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not is_alive(successor))
        assert not (site / "pid").exists()


def test_term_to_the_new_takes_an_upgrade_back(site):
    settings = {"pidfile": site / "pid"}
    with serve("app", workers=2, chdir=site, settings=settings) as server:
        with Load(server.address) as load:
            (site / "app.py").write_text(source_that_returns("newer"))
            successor = upgrade(server, site)
            os.kill(successor, signal.SIGTERM)
            wait_until(lambda: "the successor has ended (0)" in server.log)
            load.wait_for(20)

            assert load.failures == []
        assert ask(server.address).text == "old"
        assert (site / "pid").read_text() == f"{server.pid}\n"
        assert not (site / "pid.2").exists()

        second = upgrade(server, site)
        os.kill(second, signal.SIGTERM)
        wait_until(lambda: not is_alive(second))


def test_a_successor_that_cannot_start_disturbs_no_request(site):
    with serve("app", workers=2, chdir=site) as server:
        before = server.workers()
        (site / "app.py").write_text("1 / 0\n")
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor has ended (3)" in server.log)

        assert ask(server.address).text == "old"
        assert server.workers() == before


def test_a_second_upgrade_waits_for_the_end_of_the_first(site):
    with serve("app", chdir=site, settings={"pidfile": site / "pid"}) as server:
        successor = upgrade(server, site)

        server.signal(signal.SIGUSR2)
        wait_until(lambda: "USR2: nothing is done, there is a successor already" in server.log)
        os.kill(successor, signal.SIGUSR2)
        wait_until(lambda: "nothing is done, the predecessor is still there" in server.log)
        assert server.log.count("successor started") == 1

        server.stop()
        wait_until(lambda: "the upgrade is complete" in server.log)
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not is_alive(successor))


@pytest.mark.parametrize("reloaded", ["predecessor", "successor"])
def test_a_reload_of_preloaded_code_waits_for_the_end_of_an_upgrade(site, reloaded):
    status = site / "status"
    settings = {"pidfile": site / "pid", "preload_app": True, "status": f"unix:{status}"}
    with serve("app", chdir=site, settings=settings) as server:
        pids = {"predecessor": server.pid, "successor": upgrade(server, site)}
        (site / "app.py").write_text(source_that_returns("newest"))
        pid, other = pids.pop(reloaded), *pids.values()
        with Load(server.address) as load:
            os.kill(pid, signal.SIGHUP)
            wait_until(lambda: f"the reload begins when the {next(iter(pids))} " in server.log)
            load.wait_for(20)
            os.kill(other, signal.SIGTERM)
            wait_until(lambda: "reloaded: generation 2" in server.log)
            load.wait_for(20)

            assert load.failures == []
        assert ask(server.address).text == "newest"
        assert (site / "pid").read_text() == f"{pid}\n"
        assert not (site / "pid.2").exists()
        wait_until(lambda: scrapers.ask(str(status), "/") == 200)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid))
        assert not (site / "pid").exists()
        assert not status.exists()
        assert "ERROR" not in server.log


def test_no_successor_is_started_during_a_re_exec(site):
    (site / "app.py").write_text(
        "import os, time\nopen('imported', 'a').write('x')\n"
        "while os.path.exists('hold'): time.sleep(0.01)\n" + source_that_returns("newer")
    )
    with serve("app", chdir=site, settings={"preload_app": True}) as server:
        (site / "hold").touch()
        server.signal(signal.SIGHUP)
        wait_until(lambda: (site / "imported").read_text() == "xx")
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "USR2: nothing is done, a reload is under way" in server.log)
        (site / "hold").unlink()
        wait_until(lambda: "reloaded: generation 2" in server.log)

        assert "successor started" not in server.log
        assert (site / "imported").read_text() == "xxx"  # at the start, dry, and after the re-exec


def test_a_unix_socket_is_never_without_its_path(site):
    """W9, W25: listeners go from hand to hand by their descriptors."""
    bind = f"unix:{site / 'socket'}?mode=0600"
    with serve("app", chdir=site, bind=bind, settings={"pidfile": site / "pid"}) as server:
        inode = (site / "socket").stat().st_ino
        successor = upgrade(server, site)
        server.stop()
        wait_until(lambda: "the upgrade is complete" in server.log)

        assert (site / "socket").stat().st_ino == inode
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not is_alive(successor))
        assert not (site / "socket").exists()


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_a_preloaded_application_is_reloaded_with_new_code(site, worker):
    settings = {"preload_app": True}
    with serve("app", worker=worker, workers=2, chdir=site, settings=settings) as server:
        before = server.workers()
        with Load(server.address) as load:
            for count, word in enumerate(("newer", "newest"), 2):
                (site / "app.py").write_text(source_that_returns(word))
                server.signal(signal.SIGHUP)
                server.wait_for(
                    "ready", lambda event, count=count: event["generation"] == count, count=2
                )
                server.wait_for("exit", count=2 * (count - 1))
            load.wait_for(20)

            assert load.failures == []
        assert {ask(server.address).text for _ in range(8)} == {"newest"}
        assert not set(before.values()) & set(server.workers().values())
        assert server.process.poll() is None


def test_broken_preloaded_code_changes_nothing(site):
    with serve("app", workers=2, chdir=site, settings={"preload_app": True}) as server:
        before = server.workers()
        (site / "app.py").write_text("raise RuntimeError('half a deployment')\n")
        server.signal(signal.SIGHUP)
        failed = server.wait_for("reload failed")

        assert "half a deployment" in failed["reason"]
        assert server.workers() == before
        assert ask(server.address).text == "old"
        # The hook is called first: the error is the last line of the log.
        wait_until(lambda: "half a deployment" in server.log.splitlines()[-1])


def test_a_stop_after_a_reload_of_preloaded_code_is_graceful(site):
    """The inherited workers are signalled and waited for like any others."""
    source = "import time\n" + source_that_returns("x").replace(
        "    start_response", "    time.sleep(1)\n    start_response"
    )
    (site / "app.py").write_text(source)
    with serve("app", workers=1, chdir=site, settings={"preload_app": True}) as server:
        server.signal(signal.SIGHUP)
        server.wait_for("ready", lambda event: event["generation"] == 2)
        server.wait_for("exit")

        assert server.stop() == 0


def test_the_pidfile_is_locked_all_through_a_reload_of_preloaded_code(site):
    settings = {"preload_app": True, "pidfile": site / "pid"}
    with serve("app", chdir=site, settings=settings) as server:
        first = (site / "pid").stat().st_ino
        server.signal(signal.SIGHUP)

        wait_until(lambda: is_locked(site / "pid") and (site / "pid").stat().st_ino != first)

        assert (site / "pid").read_text() == f"{server.process.pid}\n"


def is_locked(path):
    """True; raises AssertionError when the file in place is not locked."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        assert path.stat().st_ino != os.fstat(file.fileno()).st_ino, "it is not locked"
    return True
