"""Whatever goes wrong for one connection ends that connection alone."""

import errno
import logging
import time

import pytest
from support.reactors import Lines, readable, turn_until

from hookserve.protocol.seam import CLOSING, READING_BODY, READY

ERRORS = [MemoryError(), OSError(errno.ENOSPC, "no room"), ValueError("a fault")]


class Faulty(Lines):
    """Raises `error` in the method that the client names, and has a response if it says so."""

    __slots__ = ()
    error = None
    names = (b"feed", b"run", b"expire", b"interim", b"fail", b"answered")

    def _raise_in(self, name):
        if name in self.buffer:
            raise self.error

    def feed(self, data):
        state = super().feed(data)
        self._raise_in(b"feed")
        if b"interim" in self.buffer:
            self.state = state = READING_BODY
        return state

    def run(self, transport):
        if b"answered" in self.buffer:
            transport.send(b"sorry\n")
            return CLOSING
        self._raise_in(b"run")
        return super().run(transport)

    def expire(self):
        self._raise_in(b"expire")
        return super().expire()

    def interim(self):
        self._raise_in(b"interim")
        return b""

    def fail(self, error):
        self._raise_in(b"fail")
        return READY if b"answered" in self.buffer else CLOSING


@pytest.fixture(params=ERRORS, ids=repr)
def make(setting, monkeypatch, request):
    monkeypatch.setattr(Faulty, "error", request.param)

    def make(**settings):
        worker, reactor = setting.make(protocol=Faulty, **settings)
        worker.log = logging.getLogger("test")
        return worker, reactor

    return make


@pytest.mark.parametrize("line", [b"feed", b"run\n", b"interim", b"feed fail", b"expire"])
def test_an_error_closes_its_connection_and_no_other(setting, make, caplog, line):
    worker, reactor = make(header_timeout=0.3)
    other = setting.connect(worker)
    other.sendall(b"before\n")
    turn_until(reactor, lambda: readable(other))
    client = setting.connect(worker)
    client.sendall(line)

    turn_until(reactor, lambda: readable(client) == b"")

    assert [each.exc_info[1] for each in caplog.records] == [Faulty.error]
    other.sendall(b"after\n")
    turn_until(reactor, lambda: readable(other) == b"after\n")


@pytest.mark.parametrize("line", [b"feed", b"interim", b"expire"])
def test_a_protocol_may_respond_to_its_own_error(setting, make, caplog, line):
    worker, reactor = make(header_timeout=0.3)
    client = setting.connect(worker)
    client.sendall(b"answered " + line)
    received = []

    turn_until(reactor, lambda: received.append(readable(client)) or received[-1] == b"")

    assert b"sorry\n" in received
    assert not reactor.open
    assert not caplog.records


def test_a_poller_that_takes_no_more_closes_the_new_connection(setting, make, caplog):
    worker, reactor = make()

    class Full:
        modify, unregister, poll, close = (
            reactor._poller.modify,
            reactor._poller.unregister,
            reactor._poller.poll,
            reactor._poller.close,
        )

        def register(self, *_):
            raise OSError(errno.ENOSPC, "too many watches")

    full = Full()
    poller, reactor._poller = reactor._poller, full
    client = setting.connect(worker)
    turn_until(reactor, lambda: readable(client) == b"")
    reactor._poller = poller

    other = setting.connect(worker)
    other.sendall(b"after\n")
    turn_until(reactor, lambda: readable(other) == b"after\n")


class Body(Lines):
    """All that comes is a body without an end."""

    __slots__ = ()

    def feed(self, data):
        super().feed(data)
        self.state = READING_BODY if data else CLOSING
        return self.state


def test_a_body_that_drips_is_closed_though_it_never_pauses(setting):
    worker, reactor = setting.make(protocol=Body, body_timeout=0.3, body_rate=10**9)
    client = setting.connect(worker)
    began = time.monotonic()

    def is_closed():
        try:
            client.sendall(b"x")
        except OSError:
            return True
        return readable(client) == b""

    turn_until(reactor, is_closed)

    assert 0.2 < time.monotonic() - began < 3
