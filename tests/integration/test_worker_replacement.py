"""Auxiliary processes, lifetimes, plans and delays in a running server."""

import os
import signal
import time

import pytest
from support.processes import is_alive

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, Load, ask, request

DEADLINE = 20.0

APPLICATION = """
def application(environ, start_response):
    start_response('200 OK', [('Content-Length', '2')])
    return [b'ok']
"""

AUXILIARIES = """
import os, time
from hookserve import AuxiliaryProcess, hookimpl

def beat():
    with open("pids", "a") as file:
        file.write(f"{os.getpid()}\\n")
    while True:
        time.sleep(0.05)

def once():
    with open("once", "a") as file:
        file.write("once\\n")

def crash():
    with open("crashes", "a") as file:
        file.write("crash\\n")
    raise ValueError("of its own making")

@hookimpl
def auxiliary_processes(server):
    return [AuxiliaryProcess(each.__name__, each) for each in (beat, once, crash)]
"""


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


def test_auxiliary_processes_run_exactly_once_beside_the_workers(site):
    (site / "hookserve.conf.py").write_text(AUXILIARIES)
    with serve("app", workers=3, chdir=site) as server:
        wait_until(lambda: len(lines(site / "crashes")) >= 2 and lines(site / "once"))
        first = int(lines(site / "pids")[0])
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(lines(site / "pids")) == 2)
        second = int(lines(site / "pids")[1])
        assert is_alive(second)

        server.signal(signal.SIGHUP)
        wait_until(lambda: len(lines(site / "pids")) == 3)
        third = int(lines(site / "pids")[2])
        wait_until(lambda: len(lines(site / "once")) == 2)
        assert not is_alive(second)
        assert is_alive(third)

        assert server.stop() == 0
        assert not is_alive(third)
        assert "is gone: exited (1); started again in 0.5 s" in server.log


SLEEPING_AUXILIARY = """
import signal, threading, time
from hookserve import AuxiliaryProcess, hookimpl

def end(*_):
    with open("ended", "a") as file:
        file.write("ended\\n")
    raise SystemExit

def sleep():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # the other thread takes it
    signal.signal(signal.SIGTERM, end)
    with open("asleep", "a") as file:
        file.write("asleep\\n")
    time.sleep(3600)

@hookimpl
def auxiliary_processes(server):
    return [AuxiliaryProcess("sleep", sleep)]
"""


def test_an_auxiliary_process_that_sleeps_ends_whichever_thread_takes_the_signal(site):
    (site / "hookserve.conf.py").write_text(SLEEPING_AUXILIARY)
    with serve("app", chdir=site) as server:
        wait_until(lambda: len(lines(site / "asleep")) == 1)

        server.signal(signal.SIGHUP)

        wait_until(lambda: len(lines(site / "asleep")) == 2)
        assert lines(site / "ended") == ["ended"]


LISTENING_AUXILIARY = """
import os, socket, time
from hookserve import AuxiliaryProcess, hookimpl

def listening(fd):
    try:
        with socket.socket(fileno=os.dup(fd)) as found:
            return found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        return False

def look():
    found = [fd for fd in map(int, os.listdir("/proc/self/fd")) if listening(fd)]
    with open("listening", "w") as file:
        file.write(f"{len(found)}\\n")
    time.sleep(60)

@hookimpl
def auxiliary_processes(server):
    return [AuxiliaryProcess("look", look)]
"""


def test_auxiliary_processes_do_not_hold_the_listeners(site):
    """Or an address would stay open that the server has closed."""
    (site / "hookserve.conf.py").write_text(LISTENING_AUXILIARY)
    with serve("app", chdir=site):
        wait_until(lambda: lines(site / "listening"))

        assert lines(site / "listening") == ["0"]


def test_auxiliary_processes_end_with_an_arbiter_that_is_killed(site):
    (site / "hookserve.conf.py").write_text(AUXILIARIES)
    with serve("app", chdir=site) as server:
        wait_until(lambda: lines(site / "pids"))
        pid = int(lines(site / "pids")[0])

        server.process.kill()
        server.wait()

        wait_until(lambda: not is_alive(pid))


def test_workers_are_recycled_by_their_age(site):
    with serve("app", workers=2, chdir=site, settings={"max_lifetime": 0.5}) as server:
        with Load(server.address) as load:
            gone = server.wait_for("exit", count=4)

            assert load.failures == []
        assert (gone["kind"], gone["detail"]) == ("recycled", "max_lifetime")


def test_a_plugin_decides_how_a_reload_goes_about_it(site):
    (site / "hookserve.conf.py").write_text(
        "class AllAtOnce:\n"
        "    def starts(self, counts):\n"
        "        return counts.outdated - counts.booting\n"
        "    def retirements(self, counts):\n"
        "        return 0\n"
        "def make_restart_plan(server):\n    return AllAtOnce()\n"
    )
    with serve("app", workers=4, chdir=site) as server:
        server.signal(signal.SIGHUP)
        server.wait_for("exit", count=4)
        wait_until(lambda: "reloaded: generation 2" in server.log)

        booting = server.log.partition("reloading")[2].partition(" ready")[0].count("booting")
        assert booting == 4


def test_workers_may_be_missing_while_others_are_replaced(site):
    settings = {"max_unavailable": 2}
    with serve("app", workers=4, chdir=site, settings=settings) as server:
        with Load(server.address) as load:
            server.signal(signal.SIGHUP)
            server.wait_for("exit", count=4)
            server.wait_for("ready", count=8)

            assert load.failures == []
        assert len(server.workers()) == 4


def test_a_reload_during_a_reload_follows_it(site):
    (site / "app.py").write_text("import time\ntime.sleep(0.3)\n" + APPLICATION)
    with serve("app", workers=2, chdir=site) as server:
        for _ in range(3):
            server.signal(signal.SIGHUP)
            wait_until(lambda: "reloading" in server.log)
        server.wait_for("ready", lambda event: event["generation"] == 3, count=2)
        server.wait_for("exit", count=4)

        # The worker is gone before the reload is complete.
        wait_until(lambda: server.log.count("reloaded: generation") == 2)
        assert ask(server.address).text == "ok"


def test_a_stop_during_a_reload_stops(site):
    (site / "app.py").write_text("import time\ntime.sleep(0.5)\n" + APPLICATION)
    with serve("app", workers=2, chdir=site) as server:
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloading" in server.log)

        assert server.stop() == 0


def announces_its_end(server):
    with Client(server.address) as client:
        return client.ask(request()).closes


def test_a_server_that_leaves_accepts_for_a_while_and_keeps_nothing(site):
    (site / "hookserve.conf.py").write_text(
        "def on_drain_delay(server): open('draining', 'w').close()\n"
    )
    with serve("app", chdir=site, settings={"drain_delay": 1}) as server:
        with Client(server.address) as kept:
            assert not kept.ask(request()).closes
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            wait_until((site / "draining").exists)
            wait_until(lambda: announces_its_end(server))

            assert kept.ask(request()).closes
            assert ask(server.address).text == "ok"
        assert server.wait() == 0
        assert time.monotonic() - began > 0.9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_second_signal_ends_the_drain_delay(site, number):
    with serve("app", chdir=site, settings={"drain_delay": 60}) as server:
        server.signal(signal.SIGTERM)
        wait_until(lambda: "drain delay" in server.log)
        server.signal(number)

        assert server.wait() == 0


def test_a_worker_that_replaces_another_in_the_drain_delay_keeps_no_connection(site):
    with serve("app", chdir=site, settings={"drain_delay": 60}) as server:
        server.signal(signal.SIGTERM)
        wait_until(lambda: "drain delay" in server.log)
        os.kill(server.workers()[0], signal.SIGKILL)
        wait_until(lambda: server.log.count(") ready") == 2)

        assert announces_its_end(server)
        assert server.stop() == 0


def test_an_idle_connection_is_closed_at_the_end_of_the_drain_delay(site):
    settings = {"drain_delay": 0.3, "linger_timeout": 0.2, "keepalive": 60}
    with serve("app", chdir=site, settings=settings) as server:
        with Client(server.address) as idle:
            assert not idle.ask(request()).closes
            server.signal(signal.SIGTERM)

            assert idle.read_to_end() == b""
        assert server.wait() == 0
