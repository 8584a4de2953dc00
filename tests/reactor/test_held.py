"""Responses of one turn go out together at its end."""

import logging
import select
import socket
import struct

import pytest
from support.reactors import FakeWorker, Lines, close_reactor, readable, turn_until

from hookserve.protocol.seam import CLOSING, SUSPENDED
from hookserve.reactor import held
from hookserve.reactor.held import HoldingTransport
from hookserve.reactor.poller import is_readable
from hookserve.reactor.reactor import Reactor
from hookserve.testing import wait_until


class Whole(Lines):
    """Echoes a line as a whole response; notes what the clients have received by then."""

    __slots__ = ()

    clients = []  # cleared by the fixture
    seen = []

    def run(self, transport):
        line, _, self.buffer = self.buffer.partition(b"\n")
        if line == b"suspend":
            self.state = SUSPENDED
            return SUSPENDED
        if line != b"wait":
            self.seen.append([readable(each) for each in self.clients])
        size = int(line) if line.isdigit() else 1
        send = transport.send if self.buffer else transport.send_last
        send(line * size + b"\n")
        if line == b"fail":
            raise ValueError(line)
        self.state = CLOSING if line == b"quit" else self._next_state()
        return self.state


class Held:
    """A reactor that holds responses, and clients that are connected."""

    def __init__(self, **settings):
        self.worker = FakeWorker(Whole, **settings)
        self.worker.suspends = True
        self.worker.spool = None
        transport = HoldingTransport(lambda: None, 0.0, self.worker.notify)
        self.reactor = Reactor(
            self.worker, lambda accepted: self.reactor.exchange_holding(accepted, transport)
        )
        self.reactor.start_accepting()
        self.clients = Whole.clients

    def connect(self, count=1):
        address = self.worker.listener.getsockname()
        for _ in range(count):
            self.clients.append(socket.create_connection(address, timeout=5))
            turn_until(self.reactor, lambda: len(self.reactor.open) == len(self.clients))
        return self.clients[-count:]

    def turn(self, *clients, line=b"a\n"):
        """One turn, in which the worker has a line of each client."""
        for client in clients:
            client.sendall(line)
        wait_until(lambda: len(self._waiting()) == len(clients))
        self.reactor.turn_holding(0)

    def begin_turn(self, client, line=b"wait\n"):
        """Serve the client in a turn that has not ended; returns its accepted socket."""
        self.reactor._holds = True
        accepted = list(self.reactor.open.values())[self.clients.index(client)]
        client.sendall(line)
        wait_until(accepted.is_readable)
        self.reactor._take(accepted)
        self.reactor.receive(accepted)
        return accepted

    def _waiting(self):
        return [fd for fd in self.reactor.open if select.select([fd], [], [], 0)[0]]

    def close(self):
        for client in self.clients:
            client.close()
        close_reactor(self.reactor)
        self.worker.close()


def received(client):
    """All that comes until the end."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.fixture
def hold(monkeypatch):
    """Makes reactors in which no response has been held for too long, however slow the machine."""
    monkeypatch.setattr(held, "_LONGEST", 60.0)
    made = []

    def hold(**settings):
        made.append(Held(**settings))
        return made[-1]

    yield hold
    for each in made:
        each.close()
    Whole.clients.clear()
    Whole.seen.clear()


def test_responses_of_one_turn_go_out_at_its_end(hold):
    server = hold()
    clients = server.connect(3)

    server.turn(*clients)

    assert Whole.seen == [[None] * 3] * 3
    assert [client.recv(10) for client in clients] == [b"a\n"] * 3


def test_outside_a_turn_a_response_goes_out_at_once(hold):
    server = hold()
    first, second = server.connect(2)
    first.sendall(b"wait\n")
    second.sendall(b"a\n")

    turn_until(server.reactor, lambda: Whole.seen)

    assert b"wait\n" in (Whole.seen[0][0], readable(first))


def test_others_that_take_long_are_not_waited_for(hold, monkeypatch):
    monkeypatch.setattr(held, "_LONGEST", -1.0)
    server = hold()
    clients = server.connect(2)

    server.turn(*clients)

    assert sorted(Whole.seen[1], key=bool) == [None, b"a\n"]


def test_so_many_are_held_at_a_time(hold, monkeypatch):
    monkeypatch.setattr(held, "_MOST", 2)
    server = hold()
    clients = server.connect(3)

    server.turn(*clients)

    assert Whole.seen[2].count(b"a\n") == 2


def test_a_large_response_goes_out_at_once(hold):
    server = hold()
    clients = server.connect(2)

    server.turn(*clients, line=b"20000\n")

    assert sum(each is not None for each in Whole.seen[1]) == 1


def test_a_client_that_has_sent_its_end_gets_its_response(hold):
    server = hold()
    (client,) = server.connect()
    client.sendall(b"wait\n")
    client.shutdown(socket.SHUT_WR)

    while server.reactor.open:
        server.reactor.turn_holding(0.01)

    assert client.recv(10) == b"wait\n"


def test_a_client_that_does_not_read_gets_the_rest_later(hold, monkeypatch):
    server = hold()
    (client,) = server.connect()
    write = held.write
    monkeypatch.setattr(held, "write", lambda fd, data: write(fd, data[:1]))

    server.turn(client, line=b"wait\n")

    turn_until(server.reactor, lambda: client.recv(10, socket.MSG_PEEK) == b"wait\n")
    client.recv(10)
    server.turn(client)
    assert client.recv(10)[:1] == b"a"


def test_a_client_whose_kernel_takes_nothing_waits(hold, monkeypatch):
    def refuse(fd, data):
        raise BlockingIOError

    server = hold()
    (client,) = server.connect()
    monkeypatch.setattr(held, "write", refuse)

    server.turn(client, line=b"wait\n")
    turn_until(server.reactor, lambda: readable(client) == b"wait\n")

    assert server.reactor.open


def test_a_client_that_is_gone_is_closed(hold):
    server = hold()
    gone, other = server.connect(2)

    def reset():
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()

    class Resets(list):
        def append(self, entry):
            super().append(entry)
            if len(self) == 2:
                reset()

    server.clients.clear()
    server.reactor._held = Resets()
    server.turn(gone, other)

    assert other.recv(10) == b"a\n"
    turn_until(server.reactor, lambda: len(server.reactor.open) == 1)
    server.clients.append(other)


def test_an_exchange_that_fails_after_its_response_closes_its_connection_alone(hold):
    server = hold()
    server.worker.log = logging.getLogger("held")
    first, second = server.connect(2)
    first.sendall(b"fail\n")
    second.sendall(b"wait\n")

    while len(server.reactor.open) != 1 or not is_readable(second.fileno()):
        server.reactor.turn_holding(0.01)

    assert len(server.reactor.open) == 1
    assert received(first) == b"fail\n"


def test_a_connection_whose_response_is_held_does_not_give_its_place(hold):
    server = hold()
    (client,) = server.connect()
    accepted = server.begin_turn(client)
    assert readable(client) is None

    server.reactor.evict(accepted)
    server.reactor.send_held()

    assert client.recv(10) == b"wait\n"
    assert server.reactor.open


def test_the_time_of_a_kept_connection_begins_when_its_response_is_sent(hold):
    server = hold(keepalive=0.0001)
    (client,) = server.connect()
    server.begin_turn(client)

    server.reactor.sweep(server.worker.clock() + 1)
    assert server.reactor.open

    server.reactor.send_held()
    assert client.recv(10) == b"wait\n"


def test_a_response_comes_before_the_end_that_its_client_has_sent_in_the_same_turn(hold):
    server = hold()
    (client,) = server.connect()
    server.turn(client, line=b"wait\n" * 17)  # the last of them has a turn of its own
    client.shutdown(socket.SHUT_WR)
    wait_until(lambda: is_readable(next(iter(server.reactor.open))))

    while server.reactor.open:
        server.reactor.turn_holding(0.01)

    assert received(client) == b"wait\n" * 17


def test_a_response_that_is_held_comes_before_the_next_of_its_connection(hold):
    server = hold()
    (client,) = server.connect()
    server.turn(client, line=b"wait\n" * 17)
    server.clients.clear()  # not to be read from by the exchange
    client.sendall(b"20000\n")
    wait_until(lambda: is_readable(next(iter(server.reactor.open))))
    server.reactor.turn_holding(0)
    client.shutdown(socket.SHUT_WR)

    while server.reactor.open:
        server.reactor.turn_holding(0.01)

    with client:
        assert received(client) == b"wait\n" * 17 + b"20000" * 20000 + b"\n"


def test_a_response_is_sent_before_the_connection_that_it_ends_is_closed(hold):
    server = hold()
    (client,) = server.connect()

    server.turn(client, line=b"quit\n")

    assert received(client) == b"quit\n"


def test_a_response_is_sent_though_its_exchange_is_resumed_meanwhile(hold):
    server = hold()
    (client,) = server.connect()
    accepted = server.begin_turn(client)

    accepted.resume()
    server.reactor.send_held()

    assert client.recv(10) == b"wait\n"


def test_an_exchange_that_waits_after_a_long_time_has_what_is_held_sent(hold):
    server = hold()
    client, other = server.connect(2)
    server.begin_turn(client)
    server.reactor._held_since -= 100

    server.begin_turn(other, b"suspend\n")

    assert client.recv(10) == b"wait\n"


def test_a_file_goes_out_behind_what_is_held(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"second")
    ours, client = socket.socketpair()
    transport = HoldingTransport(lambda: None, 0.0, lambda: None)
    transport.fd, transport.held, transport.may_hold = ours.fileno(), None, True
    with ours, client, path.open("rb") as file:
        transport.send_last(b"first ")
        assert readable(client) is None
        assert transport.send_file(file.fileno(), 0, 6) == 6

        assert client.recv(20) == b"first second"


def test_the_scoreboard_has_how_many_responses_are_held(hold):
    server = hold()
    first, second = server.connect(2)

    server.begin_turn(first, b"a\n")
    server.begin_turn(second, b"20000\n")  # is not held
    assert server.worker.context.slot.held == 1

    server.reactor.send_held()
    assert server.worker.context.slot.held == 0


def test_a_child_that_the_application_has_forked_leaves_what_is_held_to_its_parent(hold):
    server = hold()
    (client,) = server.connect()
    server.begin_turn(client, b"a\n")
    count = server.reactor._count

    server.reactor.forget_held()
    server.reactor.send_held()

    assert count[()] == 1
    assert readable(client) is None
