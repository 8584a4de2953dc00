"""The binary upgrade, with a successor that is never executed."""

import _socket
import errno
import logging
import os

import pytest
from support.descriptors import open_descriptors
from support.fake_arbiter import serving

from hookserve import hookimpl


def test_a_successor_is_started_once():
    with serving(workers=1) as server:
        upgrade = server.arbiter.upgrade
        upgrade.begin()
        first = upgrade.successor
        upgrade.begin()

        assert first is not None
        assert upgrade.successor == first
        assert upgrade.is_shared
        assert server.arbiter.other_children() == {first}


def is_shared(server):
    """As the workers see it."""
    return bool(server.arbiter.scoreboards[0].server.shared)


def test_workers_know_whether_another_arbiter_serves(monkeypatch):
    with serving(workers=1) as server:
        upgrade, fork = server.arbiter.upgrade, server.processes.fork
        at_fork = []

        def observed_fork():
            at_fork.append(is_shared(server))
            return fork()

        monkeypatch.setattr(server.processes, "fork", observed_fork)
        assert not is_shared(server)
        upgrade.begin()
        server.turn()
        assert (at_fork, is_shared(server)) == ([True], True)

        server.processes.end(upgrade.successor, 1 << 8)
        server.arbiter._reap()
        server.turn()
        assert not is_shared(server)

        server.processes.forks_fail = True
        upgrade.begin()
        server.turn()
        assert not is_shared(server)


def test_a_shared_listener_goes_on_accepting_when_the_predecessor_stops():
    with serving(workers=1) as server:
        (listener,) = server.arbiter.listeners
        server.arbiter.upgrade.begin()

        server.arbiter.stop()

        assert not listener.refuses_new_connections


def test_a_successor_that_ends_leaves_this_arbiter_serving():
    with serving(workers=1) as server:
        upgrade = server.arbiter.upgrade
        upgrade.begin()

        server.processes.end(upgrade.successor, 1 << 8)
        server.arbiter._reap()

        assert upgrade.successor is None
        assert not upgrade.is_shared
        assert not server.arbiter.is_stopping


def test_a_successor_whose_second_worker_is_ready_is_reported_once(caplog):
    reported = []

    class Plugin:
        @hookimpl
        def successor_ready(self, pid):
            reported.append(pid)

    caplog.set_level(logging.INFO)
    with serving(workers=1, plugins=[Plugin()]) as server:
        upgrade = server.arbiter.upgrade
        upgrade.begin()
        ours, theirs = _socket.socketpair()
        os.dup2(ours.fileno(), upgrade.descriptors()[0])  # the other end of its own is closed
        ours.close()
        for _ in range(2):
            theirs.send(b"ready")
            upgrade._on_successor_message()
        theirs.close()

        assert reported == [upgrade.successor]
        assert caplog.text.count("the successor serves") == 1


def cannot_open():
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize("lacks", ["descriptors", "processes"])
def test_a_successor_that_cannot_be_forked_changes_nothing(monkeypatch, caplog, lacks):
    with serving(workers=1) as server:
        before = open_descriptors()
        with monkeypatch.context() as patch:
            if lacks == "descriptors":
                patch.setattr(_socket, "socketpair", cannot_open)
            server.processes.forks_fail = True

            server.arbiter.upgrade.begin()

        assert not server.arbiter.upgrade.is_shared
        assert open_descriptors() == before
        assert "USR2: cannot start a successor: " in caplog.text


def test_no_successor_is_started_while_the_server_stops():
    with serving(workers=1) as server:
        server.arbiter.stop()

        server.arbiter.upgrade.begin()

        assert server.arbiter.upgrade.successor is None


def test_process_1_has_no_successor_for_it_would_end_with_it(caplog):
    with serving(workers=1) as server:
        server.arbiter.pid = 1

        server.arbiter.upgrade.begin()

        assert server.arbiter.upgrade.successor is None
        assert "USR2: nothing is done, this is process 1: a successor would end with" in caplog.text
