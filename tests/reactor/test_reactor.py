"""The reactor, with a protocol of one line and no worker process."""

import socket
import threading
import time
from types import SimpleNamespace

import pytest
from support.fake_arbiter import FakeClock
from support.reactors import MORE, FakeWorker, Lines, close_reactor, drain, readable, turn_until

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import SocketTransport
from hookserve.testing import wait_until
from hookserve.testing.kernel import is_delivered


def test_a_connection_is_registered_once_whatever_it_is_asked(setting):
    worker, reactor = setting.make()
    client = setting.connect(worker)
    calls = []
    register = reactor._poller.register
    reactor._poller = SimpleNamespace(
        register=lambda *words: (calls.append(words), register(*words)),
        poll=reactor._poller.poll,
        close=reactor._poller.close,
    )
    for number in range(5):
        client.sendall(b"%d\n" % number)
        got = []
        turn_until(reactor, lambda got=got: got.append(readable(client)) or got[-1])

        assert got[-1] == b"%d\n" % number
    assert len(calls) == 1


def test_what_arrives_with_the_end_is_answered_before_the_end(setting):
    worker, reactor = setting.make()
    client = setting.connect(worker)
    client.sendall(b"the last line\n")
    client.shutdown(socket.SHUT_WR)

    received = []
    turn_until(reactor, lambda: received.append(readable(client)) or received[-1] == b"")

    assert b"".join(filter(None, received)) == b"the last line\n"
    assert not reactor.open


def test_many_lines_at_once_are_run_in_order_with_other_clients_in_between(setting):
    worker, reactor = setting.make()
    greedy, other = setting.connect(worker), setting.connect(worker)
    turn_until(reactor, lambda: len(reactor.open) == 2)
    greedy.sendall(b"".join(b"%d\n" % number for number in range(100)))
    wait_until(lambda: is_delivered(greedy))
    reactor.turn(0.1)
    other.sendall(b"me too\n")
    wait_until(lambda: is_delivered(other))
    reactor.turn(0.1)

    assert readable(other) == b"me too\n"
    received = []
    turn_until(
        reactor,
        lambda: received.append(readable(greedy) or b"") or b"".join(received).endswith(b"99\n"),
    )
    assert b"".join(received) == b"".join(b"%d\n" % number for number in range(100))


def test_a_head_has_one_deadline_and_an_idle_connection_another(setting):
    worker, reactor = setting.make(header_timeout=3.0, keepalive=1.0)
    worker.clock = FakeClock()
    slow, kept = setting.connect(worker), setting.connect(worker)
    kept.sendall(b"once\n")
    turn_until(reactor, lambda: len(reactor.open) == 2 and readable(kept))
    worker.clock.now += 0.9
    reactor.turn(0.0)
    assert readable(kept) is None

    worker.clock.now += 0.2
    turn_until(reactor, lambda: readable(kept) == b"")
    for _ in range(9):
        slow.sendall(b"x")
        worker.clock.now += 0.2
        reactor.turn(0.01)
    assert readable(slow) is None  # the bytes that came since have moved no deadline

    worker.clock.now += 0.2
    turn_until(reactor, lambda: readable(slow) == b"")


def test_what_a_reader_does_not_take_is_sent_when_it_does(setting):
    worker, reactor = setting.make(hold=1 << 24)
    client = setting.connect(worker)
    client.sendall(b"more\n")
    turn_until(reactor, lambda: any(each.outbox for each in reactor.open.values()))
    file = client.makefile("rb")
    received = []
    reader = threading.Thread(target=lambda: received.append(file.readline()))
    reader.start()

    turn_until(reactor, lambda: not reader.is_alive())

    assert received == [MORE + b"\n"]
    file.close()
    client.sendall(b"again\n")
    got = []
    turn_until(reactor, lambda: got.append(readable(client)) or got[-1])
    assert got[-1] == b"again\n"


def test_a_lingering_connection_waits_for_its_client(setting):
    worker, reactor = setting.make()
    client = setting.connect(worker)
    client.sendall(b"linger\nmore than was asked for")
    turn_until(reactor, lambda: readable(client) == b"linger\n")
    reactor.turn(0.01)
    assert len(reactor.open) == 1

    client.close()
    turn_until(reactor, lambda: not reactor.open)


def _talk(worker, number, failures):
    """200 lines on one connection, each of which must come back."""
    with socket.create_connection(worker.listener.getsockname(), timeout=5) as client:
        with client.makefile("rb") as file:
            for count in range(200):
                line = b"%d %d\n" % (number, count)
                client.sendall(line)
                if file.readline() != line:
                    failures.append((number, count))


def test_several_threads_share_one_reactor(setting):
    worker = FakeWorker()
    local = threading.local()

    def serve(accepted):
        if not hasattr(local, "transport"):
            local.transport = SocketTransport(5.0, 5.0, worker.notify)
        reactor.exchange(accepted, local.transport)

    reactor = Reactor(worker, serve, batch=1)
    reactor.start_accepting()
    stop = threading.Event()
    failures = []

    def work():
        try:
            while not stop.is_set():
                reactor.turn(0.05)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    talkers = [
        threading.Thread(target=_talk, args=[worker, number, failures]) for number in range(8)
    ]
    for thread in threads + talkers:
        thread.start()
    for thread in talkers:
        thread.join()
    stop.set()
    for thread in threads:
        thread.join()
    close_reactor(reactor)
    worker.close()

    assert failures == []


def test_a_deferred_connection_is_resumed_by_the_first_free_thread(setting):
    """The thread that deferred it may be busy for long with its next request."""
    worker, reactor = setting.make()
    client = setting.connect(worker)
    turn_until(reactor, lambda: reactor.open)
    (accepted,) = reactor.open.values()
    assert reactor._take(accepted)
    accepted.connection.feed(b"".join(b"%d\n" % number for number in range(40)))
    other = threading.Thread(target=lambda: [reactor.turn(5) for _ in range(2)])
    other.start()

    reactor.exchange(accepted, SocketTransport(5.0, 5.0, worker.notify))

    began = time.monotonic()
    other.join()
    assert time.monotonic() - began < 4
    with client.makefile("rb") as lines:
        assert [int(lines.readline()) for _ in range(40)] == list(range(40))


def test_draining_closes_idle_connections_and_ends(setting):
    worker, reactor = setting.make(linger_timeout=0.02)
    clients = [setting.connect(worker) for _ in range(3)]
    clients[0].sendall(b"kept\n")
    turn_until(reactor, lambda: len(reactor.open) == 3 and readable(clients[0]))
    address = worker.listener.getsockname()
    worker.alive = False
    began = time.monotonic()

    drain(reactor, began + 5)

    assert not reactor.open
    assert time.monotonic() - began < 2
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_a_connection_that_waits_to_be_accepted_is_served_when_the_server_stops(setting):
    worker, reactor = setting.make(linger_timeout=0.02)
    waiting = [setting.connect(worker) for _ in range(5)]
    for client in waiting:
        client.sendall(b"quit\n")
    worker.alive, worker.is_last = False, True

    drain(reactor, time.monotonic() + 5)

    assert [client.recv(100) for client in waiting] == [b"quit\n"] * 5


def test_a_request_that_came_just_before_the_end_of_its_idle_connection_is_answered(setting):
    """It is in the kernel already while the worker, held up, finds the deadline passed."""
    worker, reactor = setting.make(keepalive=0.1)
    worker.clock = FakeClock()
    client = setting.connect(worker)
    client.sendall(b"once\n")
    turn_until(reactor, lambda: readable(client))
    worker.clock.now += 0.2
    client.sendall(b"and again\n")
    wait_until(lambda: is_delivered(client))

    reactor.sweep(worker.clock())

    assert client.recv(100) == b"and again\n"


def test_a_connection_that_woke_a_worker_is_accepted_even_when_the_worker_stops(setting):
    """The kernel has woken no other worker for it (EPOLLEXCLUSIVE)."""
    worker, reactor = setting.make(linger_timeout=0.02)
    waiting = setting.connect(worker)
    waiting.sendall(b"quit\n")
    worker.alive = False

    reactor.turn(0.1)
    drain(reactor, time.monotonic() + 5)

    assert waiting.recv(100) == b"quit\n"


def test_a_connection_that_has_got_anothers_descriptor_is_not_taken_for_it(setting):
    """Another thread may have closed the one and accepted the other between two looks."""
    worker, reactor = setting.make(keepalive=0.1)
    client = setting.connect(worker)
    client.sendall(b"once\n")
    turn_until(reactor, lambda: readable(client))
    (present,) = reactor.open.values()
    gone = Accepted(present.fd, Lines())

    assert not reactor._take(gone)

    client.sendall(b"and again\n")
    turn_until(reactor, lambda: readable(client) == b"and again\n")


def test_a_connection_that_is_just_being_accepted_is_waited_for(setting):
    """Its thread has it from the kernel and has not entered it yet: the worker must not end."""
    worker, reactor = setting.make()
    accept, found = worker.accept, []

    def accept_slowly(listener):
        accepted = accept(listener)
        found.append(reactor.is_draining(worker.clock() + 5))
        return accepted

    worker.accept = accept_slowly
    setting.connect(worker)
    turn_until(reactor, lambda: reactor.open)

    assert found[0]


class Laborious(Lines):
    """A long line takes a millisecond of the processor for every KiB of it."""

    def feed(self, data):
        if b"\n" not in data:
            end = time.thread_time() + len(data) / 1024 * 0.001
            while time.thread_time() < end:
                pass
        return super().feed(data)


def test_a_client_whose_input_is_slow_to_parse_has_one_turn_like_the_others(setting):
    """Thousands of tiny chunks come in one piece; other clients wait for a small one at most."""
    worker, reactor = setting.make(protocol=Laborious)
    flooding = setting.connect(worker)
    flooding.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    flooding.sendall(b"x" * 200_000)
    quick = setting.connect(worker)
    turn_until(reactor, lambda: len(reactor.open) == 2)
    (slow,) = (each for each in reactor.open.values() if each.is_slow_input)

    quick.sendall(b"once\n")
    turn_until(reactor, lambda: readable(quick) == b"once\n")

    assert len(slow.connection.buffer) < 100_000


def test_an_ordinary_upload_is_read_in_large_pieces(setting):
    worker, reactor = setting.make()
    client = setting.connect(worker)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    client.sendall(b"x" * 300_000)

    turn_until(reactor, lambda: any(each.read_size == 65536 for each in reactor.open.values()))


def test_a_quick_stop_answers_what_has_arrived_and_waits_for_no_silent_client(setting):
    worker, reactor = setting.make()
    silent, partial, asking = (setting.connect(worker) for _ in range(3))
    partial.sendall(b"half a li")
    turn_until(reactor, lambda: len(reactor.open) == 3)
    asking.sendall(b"in time\n")
    waiting = setting.connect(worker)
    waiting.sendall(b"in the queue\n")
    worker.alive, worker.is_quick, worker.is_last = False, True, True
    began = time.monotonic()

    drain(reactor, began + 5)

    assert time.monotonic() - began < 1
    assert readable(asking) == b"in time\n"
    assert readable(waiting) == b"in the queue\n"
    assert readable(silent) is None
