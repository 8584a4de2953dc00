"""An exchange that goes on elsewhere: its client is read from, written to and waited for."""

import socket
import struct
import threading

import pytest
from support.fake_arbiter import FakeClock
from support.reactors import MORE, Elsewhere, drain, readable, turn_until

from hookserve.protocol.seam import IDLE, PAUSED, READY, SUSPENDED
from hookserve.testing import wait_until
from hookserve.testing.kernel import is_delivered


@pytest.fixture(autouse=True)
def forget():
    yield
    Elsewhere.made.clear()


@pytest.fixture
def begin(setting):
    """A suspended exchange: worker, reactor, client and the protocol's side."""

    def begin(protocol=Elsewhere, hold=float("inf"), **settings):
        worker, reactor = setting.make(hold, protocol, **settings)
        client = setting.connect(worker)
        client.sendall(b"begin\n")
        turn_until(reactor, lambda: protocol.made and protocol.made[-1].state == SUSPENDED)
        return worker, reactor, client, protocol.made[-1]

    return begin


def read(reactor, client):
    """What the client receives next."""
    found = []
    turn_until(reactor, lambda: found.append(readable(client)) or found[-1] is not None)
    return found[-1]


def read_more(reactor, client):
    """Take `MORE` as a client does that has time."""
    received = 0
    while received < len(MORE):
        received += len(read(reactor, client))


class Slow(Elsewhere):
    """Takes its time to end."""

    __slots__ = ()

    def leave(self):
        self.calls.append("leave")
        return self.state


def test_what_arrives_meanwhile_is_fed(begin):
    _, reactor, client, connection = begin()

    client.sendall(b"more\n")
    turn_until(reactor, lambda: connection.received[-1] == b"more\n")

    assert connection.state == SUSPENDED


def test_it_is_resumed_from_any_thread(begin):
    _, reactor, client, connection = begin()

    thread = threading.Thread(target=connection.respond, args=(b"here\n",))
    thread.start()

    assert read(reactor, client) == b"here\n"
    thread.join()


def test_it_can_be_resumed_before_the_call_returns(begin):
    _, _, client, connection = begin()

    connection.respond(b"now\n", now=True)

    assert client.recv(100) == b"now\n"


def test_the_next_request_follows_its_end(begin):
    _, reactor, client, connection = begin()
    connection.end()
    turn_until(reactor, lambda: connection.state == IDLE)

    client.sendall(b"again\n")
    turn_until(reactor, lambda: connection.state == SUSPENDED)

    assert connection.received == [b"begin\n", b"again\n"]


@pytest.mark.parametrize("now", [False, True])
def test_a_resume_within_the_exchange_is_not_lost(begin, now):
    class Eager(Elsewhere):
        __slots__ = ()
        made = []

        def run(self, transport):
            if self.state == READY:
                self.respond(b"second\n", now)
                transport.send(b"first\n")
                self.state = SUSPENDED
                return SUSPENDED
            return super().run(transport)

    _, reactor, client, _ = begin(Eager)
    received = b""
    while received != b"first\nsecond\n":
        received += read(reactor, client)


def test_resuming_what_is_closed_does_nothing(begin):
    _, reactor, client, connection = begin()
    reset(client)
    turn_until(reactor, lambda: connection.calls == ["disconnected"])

    connection.respond(b"late")
    connection.respond(b"late", now=True)
    reactor.turn(0)

    assert not reactor.open


def test_a_client_that_sends_no_more_is_told_from_one_that_is_gone(begin):
    _, reactor, client, connection = begin()

    client.shutdown(socket.SHUT_WR)
    turn_until(reactor, lambda: connection.received[-1] == b"")
    connection.respond(b"still there\n")

    assert read(reactor, client) == b"still there\n"
    assert connection.calls == []

    reset(client)
    turn_until(reactor, lambda: connection.calls == ["disconnected"])


def test_nothing_is_read_while_it_is_paused(begin):
    _, reactor, client, connection = begin()
    client.sendall(b"pause\n")
    turn_until(reactor, lambda: connection.state == PAUSED)

    client.sendall(b"later\n")
    wait_until(lambda: is_delivered(client))
    reactor.turn(0.02)
    assert connection.received == [b"begin\n"]

    connection.respond(b"go on\n")
    turn_until(reactor, lambda: connection.received[-1] == b"later\n")


def test_a_response_that_the_kernel_does_not_take_is_sent_while_the_client_is_read(begin):
    _, reactor, client, connection = begin()

    connection.respond(MORE)
    turn_until(reactor, lambda: connection.unsent > 0)
    client.sendall(b"meanwhile\n")
    turn_until(reactor, lambda: connection.received[-1] == b"meanwhile\n")
    assert connection.calls == []
    read_more(reactor, client)
    turn_until(reactor, lambda: connection.calls == ["drained"])
    connection.respond(b"end\n")

    assert read(reactor, client) == b"end\n"


def test_what_is_sent_while_something_is_unsent_goes_behind_it(begin):
    _, reactor, client, connection = begin()
    connection.respond(MORE)
    turn_until(reactor, lambda: connection.unsent > 0)

    connection.respond(b"behind\n", now=True)

    received = b""
    while not received.endswith(b"behind\n"):
        received += read(reactor, client)
    assert received == MORE + b"behind\n"


def test_a_paused_exchange_sends_on(begin):
    _, reactor, client, connection = begin()
    connection.respond(MORE)
    turn_until(reactor, lambda: connection.unsent > 0)
    client.sendall(b"pause\n")
    turn_until(reactor, lambda: connection.state == PAUSED)
    client.sendall(b"later\n")

    read_more(reactor, client)
    turn_until(reactor, lambda: connection.calls == ["drained"])

    assert connection.received == [b"begin\n"]


def test_room_is_waited_for_again_after_an_exchange_that_ended_with_bytes_unsent(begin):
    _, reactor, client, connection = begin()
    connection.respond(MORE)
    turn_until(reactor, lambda: connection.unsent > 0)
    connection.respond(b"end\n")
    connection.end()
    received = b""
    while not received.endswith(b"end\n"):
        received += read(reactor, client)
    assert connection.state == IDLE

    connection.responses.append(MORE)
    client.sendall(b"again\n")
    read_more(reactor, client)


def test_room_that_comes_while_the_exchange_waits_for_its_turn_is_used(begin):
    _, reactor, client, connection = begin()
    connection.respond(MORE)
    turn_until(reactor, lambda: connection.unsent > 0)
    (accepted,) = reactor.open.values()
    assert reactor._take(accepted)  # as another thread does

    received = 0
    while not accepted.has_pending_event:
        received += len(read(reactor, client))
        reactor.turn(0.002)
    reactor._wait_on(accepted)
    while received < len(MORE):
        received += len(read(reactor, client))


def test_a_client_that_does_not_read_is_dropped(begin):
    worker, reactor, client, connection = begin(write_timeout=2.0)
    worker.clock = FakeClock()
    worker.clock.now = 10.0
    connection.respond(MORE)
    turn_until(reactor, lambda: connection.unsent > 0)
    client.sendall(b"that is no reading\n")
    turn_until(reactor, lambda: connection.received[-1] != b"begin\n")

    worker.clock.now = 13.0
    turn_until(reactor, lambda: connection.calls == ["disconnected"])


def test_it_has_no_deadline_of_the_workers(begin):
    worker, reactor, client, connection = begin()
    worker.clock = FakeClock()
    worker.clock.now = 1e6

    reactor.sweep(worker.clock.now)
    connection.respond(b"here\n")

    assert read(reactor, client) == b"here\n"


def test_it_is_told_that_the_worker_stops(begin):
    worker, reactor, client, connection = begin()
    worker.alive = False

    drain(reactor, worker.clock() + 5)

    assert connection.calls == ["leave"]
    assert readable(client) == b"bye\n"
    assert not reactor.open


def test_an_exchange_that_is_suspended_while_the_worker_stops_is_told_too(begin):
    _, reactor, client, connection = begin()
    connection.end()
    turn_until(reactor, lambda: connection.state == IDLE)
    reactor.begin_drain()
    client.sendall(b"late\n")

    turn_until(reactor, lambda: connection.calls)

    assert connection.calls == ["leave"]
    assert read(reactor, client) == b"bye\n"


def test_an_exchange_that_is_owned_as_the_worker_stops_is_told_once(begin):
    _, reactor, _, connection = begin(Slow)
    connection.handle.resume()  # it waits for its turn
    reactor.leave_suspended()
    turn_until(reactor, lambda: connection.calls)

    reactor.leave_suspended()
    reactor.turn(0)
    connection.respond(b"more\n")
    turn_until(reactor, lambda: not connection.responses)

    assert connection.calls == ["leave"]


def test_a_paused_exchange_is_told_that_the_worker_stops_and_read_no_further(begin):
    _, reactor, client, connection = begin(Slow)
    client.sendall(b"pause\n")
    turn_until(reactor, lambda: connection.state == PAUSED)
    client.sendall(b"more\n")

    reactor.begin_drain()
    turn_until(reactor, lambda: connection.calls)
    reactor.turn(0.01)

    assert connection.received == [b"begin\n"]


def test_an_exchange_is_told_of_the_stop_in_a_turn(begin):
    """The greenlet that drains is not the one in which exchanges may run."""
    _, reactor, _, connection = begin()

    reactor.begin_drain()

    assert connection.calls == []


def test_one_that_does_not_end_in_time_is_told_that_its_client_is_closed(begin):
    _, reactor, client, connection = begin()

    reactor.end_suspended()

    assert connection.calls == ["disconnected"]
    assert not reactor.open
    assert client.recv(1) == b""


def test_a_quick_stop_waits_for_it(begin):
    worker, reactor, _, connection = begin()
    worker.is_quick = True
    reactor._acceptor.close()

    assert reactor.is_draining(worker.clock() + 5)

    connection.end()
    turn_until(reactor, lambda: connection.state == IDLE)
    assert not reactor.is_draining(worker.clock() + 5)


@pytest.mark.parametrize("method", ["drained", "leave", "disconnected"])
def test_what_the_protocol_raises_ends_the_connection_alone(begin, method):
    class Faulty(Elsewhere):
        __slots__ = ()
        made = []

    def fail(self):
        raise ValueError("a fault")

    setattr(Faulty, method, fail)
    worker, reactor, client, connection = begin(Faulty)
    worker.log = Log()
    if method == "leave":
        reactor.begin_drain()
    else:
        connection.respond(MORE)
        turn_until(reactor, lambda: connection.unsent > 0)
        if method == "drained":
            read_more(reactor, client)
        else:
            reset(client)
    turn_until(reactor, lambda: not reactor.open)

    assert len(worker.log.errors) == 1


class Log:
    def __init__(self):
        self.errors = []

    def error(self, message, *_, exc_info):
        assert isinstance(exc_info, ValueError)
        self.errors.append(message)


def reset(client):
    """Close the client's side as a system does whose process was killed: with RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
