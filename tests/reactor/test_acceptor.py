"""Two workers that accept from one listener, in one process and turn by turn."""

import errno
import socket
import time
from types import SimpleNamespace

import pytest
from support.reactors import FakeListener, FakeWorker, close_reactor, turn_until

from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import SocketTransport
from hookserve.worker.scoreboard import READY, Scoreboard

BURST = 64


def make_worker(scoreboard, listener, **settings):
    """A worker with a slot and a reactor."""
    worker = FakeWorker(**settings)
    worker.listener.close()
    worker.listener, worker.listeners = listener, (listener,)
    slot = scoreboard.take()
    slot.state = READY
    worker.context = SimpleNamespace(scoreboard=scoreboard, slot=slot)

    def count_open(count):
        slot.open_connections = count

    def accept(listener, accept=worker.accept):
        found = accept(listener)
        slot.accepted += found is not None
        return found

    worker.count_open, worker.accept = count_open, accept
    transport = SocketTransport(5.0, 5.0, worker.notify)
    reactor = Reactor(worker, lambda accepted: reactor.exchange(accepted, transport))
    reactor.start_accepting()
    return SimpleNamespace(worker=worker, slot=slot, reactor=reactor)


@pytest.fixture
def setting():
    """Two workers and a function that connects so many clients."""
    listener = FakeListener.open(backlog=256)
    scoreboard = Scoreboard(2, 2, notifiable=2)
    workers = [make_worker(scoreboard, listener) for _ in range(2)]
    clients = []

    def connect(count):
        found = [socket.create_connection(listener.getsockname()) for _ in range(count)]
        clients.extend(found)
        return found

    yield SimpleNamespace(workers=workers, connect=connect, first=workers[0], second=workers[1])
    for client in clients:
        client.close()
    for each in workers:
        close_reactor(each.reactor)
        each.worker.close()


def sizes(setting):
    return [len(each.reactor.open) for each in setting.workers]


def turn_until_all_are_accepted(setting, workers, count):
    """How long it took."""
    began = time.monotonic()
    while sum(sizes(setting)) < count:
        for each in workers:
            each.reactor.turn(0.0 if len(workers) > 1 else each.reactor.pause())
        assert time.monotonic() < began + 5, sizes(setting)
    return time.monotonic() - began


def test_a_burst_is_shared(setting):
    """Although one of them has twice the time; the clock stands still, so that nothing but a notice
    makes one go on."""
    for each in setting.workers:
        each.worker.clock = float
    setting.connect(BURST)

    turn_until_all_are_accepted(setting, [setting.first, setting.first, setting.second], BURST)

    assert min(sizes(setting)) >= 0.45 * BURST, sizes(setting)


def test_a_worker_with_fewer_connections_catches_up(setting):
    request_slot = setting.second.slot.request_slot(0)
    request_slot.begin(1.0, b"GET /")
    setting.connect(20)
    turn_until_all_are_accepted(setting, [setting.first], 20)
    request_slot.end(2.0, 2, 0)
    setting.connect(30)

    turn_until_all_are_accepted(setting, setting.workers, 50)

    assert min(sizes(setting)) >= 22, sizes(setting)


def test_no_connection_waits_for_a_worker_that_does_not_respond(setting):
    setting.connect(BURST)

    took = turn_until_all_are_accepted(setting, [setting.first], BURST)

    assert sizes(setting) == [BURST, 0]
    assert took < 0.5


def test_no_connection_waits_for_a_worker_that_runs_a_request(setting):
    setting.second.slot.request_slot(0).begin(1.0, b"GET /")
    setting.connect(BURST)
    waits = []
    loop = setting.first.reactor.loop
    loop.on_earlier_sweep = lambda: waits.append(loop.next_sweep)

    turn_until_all_are_accepted(setting, [setting.first], BURST)

    assert sizes(setting) == [BURST, 0]
    assert len(waits) == 1  # for the deadline of the first head


def test_a_retired_listener_that_is_empty_wakes_its_worker_no_more(setting):
    """The kernel reports it as readable for ever, once it listens no more."""
    worker, reactor = setting.first.worker, setting.first.reactor
    setting.connect(1)
    worker.listener.refuses_new_connections = worker.is_last = True
    reactor.turn(5.0)
    assert len(reactor.open) == 1

    setting.second.reactor._acceptor.stop()
    setting.connect(2)
    assert reactor.wait(0.05) == []

    reactor.begin_drain()
    assert len(reactor.open) == 3  # what came in spite of that is served all the same


def test_a_kernel_without_memory_for_a_listener_pauses_accepting_and_ends_nothing(setting):
    first = setting.first
    watch, acceptor = first.reactor.loop.watch, first.reactor._acceptor
    pauses = []

    def refuse(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    def pause(error):
        pauses.append(error.errno)
        first.worker.accepts_again_at = first.worker.clock() + 0.05

    first.worker.pause_accepting = pause
    first.reactor.loop.watch = refuse
    acceptor._register_again(first.worker.listener)
    assert (pauses, acceptor._accepting) == ([errno.ENOSPC], ())

    first.reactor.loop.watch = watch
    setting.connect(1)
    turn_until(first.reactor, lambda: len(first.reactor.open) == 1)
