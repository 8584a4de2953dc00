"""Auxiliary processes, which are never forked here."""

import errno
import os

import pytest
from support.descriptors import open_descriptors
from support.fake_arbiter import serving

from hookserve import AuxiliaryProcess, ConfigError, ListenError, hookimpl
from hookserve.arbiter import auxiliaries
from hookserve.arbiter.handover import HandedAuxiliary
from hookserve.worker.channel import open_channel


class Brings:
    """Brings one auxiliary process."""

    @hookimpl
    def auxiliary_processes(self):
        return [AuxiliaryProcess("metrics", lambda: None)]


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


class BringsTwo:
    """Brings two auxiliary processes."""

    @hookimpl
    def auxiliary_processes(self):
        return [AuxiliaryProcess(name, lambda: None) for name in ("metrics", "health")]


def test_each_is_started_again_when_its_own_predecessor_is_gone():
    with serving(workers=1, plugins=[BringsTwo()]) as server:
        auxiliaries = server.arbiter.auxiliaries
        auxiliaries.gather()
        server.turn()
        slow, quick = sorted(auxiliaries.pids())

        auxiliaries.gather()
        server.processes.end(quick)
        server.arbiter._reap()
        server.turn()
        (started,) = set(auxiliaries.pids()) - {slow}
        assert started != quick

        server.processes.end(slow)
        server.arbiter._reap()
        server.turn()
        assert len(auxiliaries) == 2
        assert started in auxiliaries.pids()
        assert slow not in auxiliaries.pids()


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


def cannot_open():
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize("lacks", ["descriptors", "processes"])
def test_one_that_cannot_be_started_is_tried_again_after_a_pause(monkeypatch, caplog, lacks):
    with serving(workers=1, plugins=[Brings()]) as server:
        part = server.arbiter.auxiliaries
        part.gather()
        before = open_descriptors()
        with monkeypatch.context() as patch:
            if lacks == "descriptors":
                patch.setattr(auxiliaries, "open_channel", cannot_open)
            server.processes.forks_fail = True
            server.turn()

        assert len(part) == 0
        assert part.due(server.clock.now) == server.clock.now + 1.0
        assert "cannot start the auxiliary process metrics: " in caplog.text
        assert open_descriptors() == before
        server.processes.forks_fail = False
        server.turn(seconds=1.0)
        assert len(part) == 1


def test_a_plugin_that_fails_at_a_restart_is_logged_and_leaves_what_runs(caplog):
    class Fails(Brings):
        error = None

        @hookimpl
        def auxiliary_processes(self):
            if self.error is not None:
                raise self.error
            return super().auxiliary_processes()

    plugin = Fails()
    with serving(workers=1, plugins=[plugin]) as server:
        pid = running(server)
        plugin.error = ValueError("a slip")

        server.arbiter.auxiliaries.restart()

        assert "raised in auxiliary_processes: ValueError: a slip" in caplog.text
        assert server.arbiter.auxiliaries.pids() == {pid}
        assert server.processes.sent_to(pid) == []


class Listens:
    """Its address is in use the first times."""

    def __init__(self, failures, error=ListenError):
        self.failures, self.error = failures, error

    @hookimpl
    def auxiliary_processes(self):
        if self.failures:
            self.failures -= 1
            raise self.error("cannot listen on :9000")
        return [AuxiliaryProcess("metrics", lambda: None)]


def restore_one(server, pid=4711):
    ours, theirs = open_channel()
    theirs.close()
    descriptor = os.dup(ours.fileno())
    ours.close()
    server.arbiter.auxiliaries.restore([HandedAuxiliary("metrics", pid, descriptor)])
    return descriptor


def test_one_that_was_handed_over_ends_once_it_is_known_what_follows_it():
    with serving(workers=1, plugins=[Brings()]) as server:
        auxiliaries = server.arbiter.auxiliaries
        channel = restore_one(server)
        assert auxiliaries.pids() == {4711}
        assert channel in server.arbiter.own_descriptors()

        auxiliaries.restart()
        server.turn()
        assert server.processes.sent_to(4711) == ["SIGTERM"]
        assert auxiliaries.pids() == {4711}

        server.processes.end(4711)
        server.arbiter._reap()
        server.turn()
        assert len(auxiliaries) == 1
        assert auxiliaries.pids() != {4711}


def test_one_that_was_handed_over_serves_on_where_no_other_can_follow_it():
    with serving(workers=1, plugins=[Listens(9)]) as server:
        auxiliaries = server.arbiter.auxiliaries
        restore_one(server)

        auxiliaries.restart()
        server.turn()
        assert server.processes.sent_to(4711) == []

        server.processes.end(4711, 1 << 8)
        server.arbiter._reap()
        server.turn()
        assert len(auxiliaries) == 0


def test_an_address_that_is_in_use_when_the_server_serves_is_tried_again(caplog):
    with serving(workers=1, plugins=[Listens(3)]) as server:
        part = server.arbiter.auxiliaries
        part.restart()
        server.turn()  # at once
        assert part.due(server.clock.now) == server.clock.now + 0.5
        server.turn(seconds=0.5)
        assert len(part) == 0
        server.turn(seconds=1.0)

        assert len(part) == 1
        assert part.due(server.clock.now) is None
        assert caplog.text.count("cannot listen on :9000; tried again in") == 3


def test_a_plugin_that_fails_otherwise_is_not_asked_again(caplog):
    with serving(workers=1, plugins=[Listens(1, ConfigError)]) as server:
        server.arbiter.auxiliaries.restart()

        assert server.arbiter.auxiliaries.due(server.clock.now) is None
        assert "cannot listen" in caplog.text


@pytest.mark.process
def test_one_whose_arbiter_has_ended_meanwhile_does_not_begin():
    ours, theirs = open_channel()
    ours.close()
    pid = os.fork()
    if not pid:
        auxiliaries._become_auxiliary(lambda: 0, theirs, (), lambda: None)
    theirs.close()

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
