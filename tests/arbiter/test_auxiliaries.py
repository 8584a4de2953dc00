"""Auxiliary processes, which are never forked here."""

from support.fake_arbiter import serving

from hookserve import AuxProcess, hookimpl


class Brings:
    """Brings one auxiliary process."""

    @hookimpl
    def aux_processes(self):
        return [AuxProcess("metrics", lambda: None)]


def running(server):
    server.arbiter.auxiliaries.gather()
    server.turn()
    (pid,) = server.arbiter.auxiliaries.pids()
    return pid


def test_each_runs_once():
    with serving(workers=1, plugins=[Brings()]) as server:
        running(server)
        server.turn()

        assert len(server.arbiter.auxiliaries) == 1


def test_one_that_fails_is_started_again_and_one_that_returns_is_not():
    with serving(workers=1, plugins=[Brings()]) as server:
        auxiliaries = server.arbiter.auxiliaries
        server.processes.end(running(server), 1 << 8)
        server.arbiter._reap()
        server.turn()
        assert len(auxiliaries) == 1

        (pid,) = auxiliaries.pids()
        server.processes.end(pid, 0)
        server.arbiter._reap()
        server.turn(seconds=100)
        assert len(auxiliaries) == 0


def test_two_of_one_name_never_run_together():
    with serving(workers=1, plugins=[Brings()]) as server:
        auxiliaries = server.arbiter.auxiliaries
        first = running(server)

        auxiliaries.gather()
        server.turn()
        assert set(auxiliaries.pids()) == {first}
        assert server.processes.sent_to(first) == ["SIGTERM"]

        server.processes.end(first)
        server.arbiter._reap()
        server.turn()
        assert set(auxiliaries.pids()) != {first}


def test_one_that_does_not_end_is_killed():
    with serving(workers=1, plugins=[Brings()], graceful_timeout=3) as server:
        pid = running(server)
        server.arbiter.stop()

        assert server.arbiter.auxiliaries.due(server.clock.now) == server.clock.now + 3
        server.turn(seconds=3)

        assert server.processes.sent_to(pid) == ["SIGTERM", "SIGKILL"]


def test_none_is_started_while_the_server_stops():
    with serving(workers=1, plugins=[Brings()]) as server:
        server.arbiter.stop()
        server.arbiter.auxiliaries.gather()
        server.turn()

        assert len(server.arbiter.auxiliaries) == 0
