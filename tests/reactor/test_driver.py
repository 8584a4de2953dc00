"""Whatever goes wrong for one connection ends that connection alone."""

import errno
import logging
import os
from types import SimpleNamespace

import pytest
from support.fake_arbiter import FakeClock
from support.reactors import Lines, readable, turn_until

from hookserve.protocol.seam import CLOSING, READING_BODY, READING_HEAD, READY
from hookserve.reactor import accepted
from hookserve.reactor.outbox import Outbox
from hookserve.reactor.phases import KEPT, WRITING
from hookserve.reactor.phases import READING_HEAD as READING

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
        worker.clock = FakeClock()
        return worker, reactor

    return make


def expire(worker, reactor, line):
    """Let the deadline of the head pass, where the test is about that."""
    if b"expire" in line:
        turn_until(reactor, lambda: any(each.phase == READING for each in reactor.open.values()))
        worker.clock.now += 1.0


@pytest.mark.parametrize("line", [b"feed", b"run\n", b"interim", b"feed fail", b"expire"])
def test_an_error_closes_its_connection_and_no_other(setting, make, caplog, line):
    worker, reactor = make(header_timeout=0.3)
    other = setting.connect(worker)
    other.sendall(b"before\n")
    turn_until(reactor, lambda: readable(other))
    client = setting.connect(worker)
    client.sendall(line)
    expire(worker, reactor, line)

    turn_until(reactor, lambda: readable(client) == b"")

    assert [each.exc_info[1] for each in caplog.records] == [Faulty.error]
    other.sendall(b"after\n")
    turn_until(reactor, lambda: readable(other) == b"after\n")


@pytest.mark.parametrize("line", [b"feed", b"interim", b"expire"])
def test_a_protocol_may_respond_to_its_own_error(setting, make, caplog, line):
    worker, reactor = make(header_timeout=0.3)
    client = setting.connect(worker)
    client.sendall(b"answered " + line)
    expire(worker, reactor, line)
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
    worker.clock = FakeClock()
    client, began = setting.connect(worker), worker.clock()

    def is_closed():
        worker.clock.now += 0.01
        try:
            client.sendall(b"x")
        except OSError:
            return True
        return readable(client) == b""

    turn_until(reactor, is_closed)

    assert 0.3 < worker.clock() - began < 1.0


class Expecting(Lines):
    """The lines after ``body`` are a body, which has an interim response before it."""

    __slots__ = ("has_responded",)

    def __init__(self):
        super().__init__()
        self.has_responded = False

    def _next_state(self):
        if super()._next_state() == READING_HEAD and self.buffer.startswith(b"body"):
            self.state = READING_BODY
        return self.state

    def interim(self):
        has_responded, self.has_responded = self.has_responded, True
        return b"" if has_responded else b"continue\n"


def full_at_first(monkeypatch, taken):
    """The kernel takes so many bytes of the first interim response, and no more for some time."""
    calls = []

    def write_some(fd, data):
        calls.append(data)
        if not taken:
            raise BlockingIOError
        return os.write(fd, data[:taken])

    monkeypatch.setattr(accepted, "write", write_some)
    return calls


@pytest.mark.parametrize("taken", [0, 3])
@pytest.mark.parametrize("piece", [b"body", b"before\nbody"], ids=["first", "kept"])
def test_an_interim_response_that_finds_no_room_is_sent_before_anything_else(
    setting, monkeypatch, taken, piece
):
    calls = full_at_first(monkeypatch, taken)
    worker, reactor = setting.make(protocol=Expecting)
    client = setting.connect(worker)
    client.sendall(piece)
    turn_until(reactor, lambda: calls)
    client.sendall(b" and its end\n")
    received = []

    def is_complete():
        received.append(readable(client) or b"")
        return b"".join(received).endswith(b"end\n")

    turn_until(reactor, is_complete)

    before = b"before\n" if b"before" in piece else b""
    assert b"".join(received) == before + b"continue\nbody and its end\n"
    assert calls == [b"continue\n"]


def test_a_client_that_takes_no_interim_response_is_closed_at_the_write_timeout(
    setting, monkeypatch
):
    full_at_first(monkeypatch, 3)
    flushed = []
    monkeypatch.setattr(Outbox, "flush", lambda self, fd: flushed.append(fd))
    worker, reactor = setting.make(protocol=Expecting, write_timeout=0.5, body_timeout=60.0)
    worker.clock = FakeClock()
    client = setting.connect(worker)
    client.sendall(b"body")
    turn_until(reactor, lambda: flushed)
    assert reactor.next_sweep == worker.clock() + 0.5

    worker.clock.now += 1.0
    turn_until(reactor, lambda: readable(client) == b"")

    assert not reactor.open


@pytest.mark.parametrize("failing", [1, 2])
def test_a_poller_that_changes_nothing_closes_its_connection_and_no_other(setting, caplog, failing):
    """Once when the rest of a response has to wait, once when it is sent."""
    worker, reactor = setting.make(hold=1 << 24)
    worker.log = logging.getLogger("test")
    other, client = setting.connect(worker), setting.connect(worker)
    turn_until(reactor, lambda: len(reactor.open) == 2)
    poller, calls = reactor._poller, []

    def modify(*words):
        calls.append(words)
        if len(calls) == failing:
            raise OSError(errno.ENOMEM, "no memory")
        poller.modify(*words)

    reactor._poller = SimpleNamespace(
        modify=modify, register=poller.register, poll=poller.poll, close=poller.close
    )
    client.sendall(b"more\n")

    def is_closed():
        readable(client)
        return len(reactor.open) == 1

    turn_until(reactor, is_closed)

    assert [each.exc_info[1].errno for each in caplog.records] == [errno.ENOMEM]
    other.sendall(b"after\n")
    turn_until(reactor, lambda: readable(other) == b"after\n")


class Counted(Lines):
    """Notes that a request has ended, three seconds ago, as `Worker.end` does."""

    __slots__ = ()
    worker = None

    def run(self, transport):
        if not self.buffer.startswith(b"uncounted"):
            self.worker.ended_at = self.worker.clock() - 3.0
        return super().run(transport)


@pytest.mark.parametrize(
    ("line", "age"), [(b"counted\n", 3.0), (b"uncounted\n", 0.0), (b"counted\nuncounted\n", 0.0)]
)
def test_keepalive_counts_from_the_end_of_the_last_request(setting, monkeypatch, line, age):
    worker, reactor = setting.make(protocol=Counted, keepalive=5.0)
    monkeypatch.setattr(Counted, "worker", worker)
    worker.clock, worker.ended_at = FakeClock(), 1.0  # a request of another connection
    client = setting.connect(worker)

    client.sendall(line)
    turn_until(reactor, lambda: any(each.phase == KEPT for each in reactor.open.values()))

    (kept,) = reactor.open.values()
    assert kept.since == worker.clock() - age
    assert kept.deadline == kept.since + 5.0


def test_keepalive_counts_from_the_last_byte_that_a_slow_client_takes(setting, monkeypatch):
    worker, reactor = setting.make(hold=2**30, protocol=Counted, keepalive=5.0)
    monkeypatch.setattr(Counted, "worker", worker)
    worker.clock = FakeClock()
    client = setting.connect(worker)
    client.sendall(b"more\n")
    turn_until(reactor, lambda: any(each.phase == WRITING for each in reactor.open.values()))

    def takes_all():
        readable(client)
        return all(each.phase == KEPT for each in reactor.open.values())

    turn_until(reactor, takes_all)

    (kept,) = reactor.open.values()
    assert kept.since == worker.clock()
