"""Connections that an application has taken over, and what the reactor does with them."""

import os
import socket
import time

import pytest
from support.reactors import Lines, readable, turn_until

from hookserve.protocol.seam import CLOSING
from hookserve.reactor.transport import LoopTransport


class Taking(Lines):
    """``take`` takes the connection over; `application` has it then, until it returns."""

    __slots__ = ()
    application = None  # set by the fixture
    on_leave = None

    def run(self, transport):
        line, _, self.buffer = self.buffer.partition(b"\n")
        if line == b"take":
            type(self).application(transport.take_over(b"", type(self).on_leave))
            self.state, self.lingers = CLOSING, False
            return CLOSING
        self.buffer = line + b"\n" + self.buffer
        return super().run(transport)

    def release(self):
        data, self.buffer = self.buffer, b""
        return data


class Application:
    """Does what the test says with each socket that it gets, and closes it unless it keeps it."""

    def __init__(self):
        self.sockets = []
        self.do = lambda taken: None
        self.keeps = False

    def __call__(self, taken):
        self.sockets.append(taken)
        self.do(taken)
        if not self.keeps:
            taken.close()


@pytest.fixture
def application(monkeypatch):
    made = Application()
    monkeypatch.setattr(Taking, "application", made)
    yield made
    for taken in made.sockets:
        taken.close()


@pytest.fixture
def server(setting, application):
    worker, reactor = setting.make(protocol=Taking, linger_timeout=5.0)
    return worker, reactor


def test_an_application_has_the_connection_to_itself(setting, server, application):
    worker, reactor = server
    client = setting.connect(worker)

    def do(taken):
        taken.sendall(b"welcome\n")
        client.sendall(b"hello\n")
        taken.sendall(taken.recv(100))

    application.do = do
    client.sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)

    assert client.recv(100) == b"welcome\nhello\n"
    assert client.recv(100) == b"", "the connection ends with the exchange"


def test_the_socket_blocks_and_is_a_duplicate(setting, server, application):
    worker, reactor = server
    seen = []
    application.do = lambda taken: seen.append((taken.getblocking(), taken.fileno()))
    setting.connect(worker).sendall(b"take\n")
    turn_until(reactor, lambda: seen)

    ((blocks, fd),) = seen
    assert blocks
    assert fd not in reactor.open


def test_what_arrived_behind_the_request_is_received_first(setting, server, application):
    worker, reactor = server
    received = []
    application.do = lambda taken: received.append(taken.recv(100))
    setting.connect(worker).sendall(b"take\nearly")
    turn_until(reactor, lambda: received)

    assert received == [b"early"]


def test_a_connection_that_has_waited_is_not_watched_while_it_is_taken_over(
    setting, server, application
):
    worker, reactor = server
    client = setting.connect(worker)
    client.sendall(b"one\n")
    turn_until(reactor, lambda: readable(client))
    events = []

    def do(taken):
        client.sendall(b"more")
        assert taken.recv(100, socket.MSG_PEEK) == b"more"
        events.extend(reactor.wait(0.0))

    application.do = do
    client.sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)

    assert events == []


def test_what_the_client_sends_afterwards_is_drained_until_its_end(setting, server, application):
    """A reset would take what it has not read yet."""
    worker, reactor = server
    client = setting.connect(worker)

    def do(taken):
        taken.sendall(b"bye")
        client.sendall(b"too late" * 100)

    application.do = do
    client.sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)

    assert client.recv(100) == b"bye"
    assert client.recv(100) == b""
    assert reactor.open
    client.close()
    turn_until(reactor, lambda: not reactor.open)
    assert not reactor.takeovers


def test_the_connection_is_left_to_a_thread_that_has_its_socket_still(setting, server, application):
    """It may have something left to send, and reads what the client sends."""
    worker, reactor = server
    client = setting.connect(worker)
    application.keeps = True
    client.sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)
    (taken,) = application.sockets
    client.sendall(b"your turn")
    reactor.turn(0.0)

    assert taken.recv(100) == b"your turn"
    taken.sendall(b"goodbye")
    assert reactor.open
    taken.close()

    assert client.recv(100) == b"goodbye"
    assert client.recv(100) == b""
    client.close()
    turn_until(reactor, lambda: not reactor.open)


def test_a_socket_that_is_dropped_is_closed(setting, server, application):
    worker, reactor = server
    client = setting.connect(worker)
    application.keeps = True
    numbers = []

    def do(taken):
        numbers.append(taken.fileno())
        application.sockets.clear()

    application.do = do
    client.sendall(b"take\n")
    turn_until(reactor, lambda: readable(client) == b"")

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(numbers[0])


def test_a_socket_that_is_kept_is_cut_after_linger_timeout(setting, application):
    worker, reactor = setting.make(protocol=Taking, linger_timeout=0.05)
    client = setting.connect(worker)
    application.keeps = True
    client.sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)
    turn_until(reactor, lambda: not reactor.open)

    (taken,) = application.sockets
    assert client.recv(10) == b""
    taken.settimeout(5)
    assert taken.recv(10) == b""
    with pytest.raises(BrokenPipeError):
        taken.sendall(b"x")
    taken.close()
    assert not reactor.takeovers


def test_a_late_close_does_not_touch_the_next_connection(setting, application):
    worker, reactor = setting.make(protocol=Taking, linger_timeout=0.05)
    application.keeps = True
    setting.connect(worker).sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)
    (fd,) = reactor.open
    with socket.socket() as client:  # now, or it would get the number that becomes free
        client.settimeout(5)
        turn_until(reactor, lambda: not reactor.open)
        client.connect(worker.listener.getsockname())
        client.sendall(b"one\n")
        turn_until(reactor, lambda: readable(client))
        assert list(reactor.open) == [fd]

        application.sockets[0].close()

        client.sendall(b"two\n")
        turn_until(reactor, lambda: readable(client) == b"two\n")


def test_the_application_is_calls_once_that_the_worker_stops(
    setting, server, application, monkeypatch
):
    worker, reactor = server
    calls = []
    monkeypatch.setattr(Taking, "on_leave", lambda *_: calls.append(True))

    def do(taken):
        for _ in range(2):
            reactor.takeovers.drain(time.monotonic(), time.monotonic() + 60)

    application.do = do
    setting.connect(worker).sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)

    assert calls == [True]


def test_an_application_that_takes_over_during_the_drain_is_calls_at_once(
    setting, server, application, monkeypatch
):
    worker, reactor = server
    calls = []
    monkeypatch.setattr(Taking, "on_leave", lambda *_: calls.append(True))
    reactor.takeovers.drain(time.monotonic(), time.monotonic() + 60)
    setting.connect(worker).sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)

    assert calls == [True]


def test_what_is_left_is_cut_before_the_time_of_the_drain_is_over(setting, server, application):
    worker, reactor = server
    ends = []

    def do(taken):
        taken.settimeout(5)
        reactor.takeovers.drain(100.0, 110.0)
        reactor.takeovers.drain(109.1, 110.0)
        ends.append(taken.recv(10))

    application.do = do
    setting.connect(worker).sendall(b"take\n")
    turn_until(reactor, lambda: ends)

    assert ends == [b""]
    turn_until(reactor, lambda: not reactor.open)


def test_nothing_is_cut_while_there_is_time(setting, server, application):
    worker, reactor = server
    client = setting.connect(worker)

    def do(taken):
        reactor.takeovers.drain(100.0, 110.0)
        reactor.takeovers.drain(108.9, 110.0)
        taken.sendall(b"alive")

    application.do = do
    client.sendall(b"take\n")
    turn_until(reactor, lambda: application.sockets)

    assert client.recv(10) == b"alive"


def test_without_a_descriptor_the_connection_is_as_it_was(
    setting, server, application, monkeypatch
):
    worker, reactor = server
    failures = []

    def run(self, transport):
        def refuse(fd):
            raise OSError("too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(os, "dup", refuse)
            try:
                transport.take_over(b"", None)
            except OSError as error:
                failures.append(error)
        return Lines.run(self, transport)

    monkeypatch.setattr(Taking, "run", run)
    client = setting.connect(worker)
    client.sendall(b"take\n")
    turn_until(reactor, lambda: failures)

    assert client.recv(10) == b"take\n"
    assert not reactor.takeovers


def test_a_transport_of_an_event_loop_hands_nothing_over():
    with pytest.raises(NotImplementedError):
        LoopTransport(None).take_over(b"", None)
