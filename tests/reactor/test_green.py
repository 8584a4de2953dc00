"""The base class of models with greenlets: what runs in the hub, in the pool, in the main one."""

import math
import select
from types import SimpleNamespace

import greenlet
from support.green import HubWorker
from support.reactors import MORE, readable

from hookserve import hookimpl
from hookserve.reactor import green


class Idle:
    """A plugin that records where it is called when the worker is idle, and blocks there."""

    def __init__(self):
        self.greenlets = []

    @hookimpl
    def worker_idle(self, worker):
        assert worker.current() is not worker.hub.greenlet, "the hub must not block"
        self.greenlets.append(worker.current())
        worker.sleep(0.001)


# Where requests run.


def test_a_request_runs_in_a_greenlet_under_the_hub(greens):
    ran = []
    worker = greens.worker(lambda line: ran.append(worker.current()))
    client = greens.connect(worker, b"a\n")

    worker.step(1.0)

    assert client.recv(100) == b"a\n"
    assert ran == worker.spawned
    assert ran[0].parent is worker.hub.greenlet


def test_a_connection_that_waits_has_no_greenlet(greens):
    worker = greens.worker()
    for piece in (b"", b"half a li"):
        greens.connect(worker, piece)

    worker.step(1.0)

    assert worker.spawned == []


def test_a_greenlet_that_is_done_runs_the_next_request(greens):
    ran = []
    worker = greens.worker(lambda line: ran.append(worker.current()))
    clients = [greens.connect(worker) for _ in range(2)]

    for client in clients * 2:
        client.sendall(b"a\n")
        worker.step(1.0)

    assert ran == worker.spawned * 4


def test_requests_that_block_run_side_by_side(greens):
    events = []

    def application(line):
        events.append((b"begin", line))
        worker.sleep(5.0 if line == b"slow" else 1.0)
        events.append((b"end", line))

    worker = greens.worker(application)
    greens.connect(worker, b"slow\n")
    greens.connect(worker, b"quick\n")

    worker.step(10.0)

    assert events == [
        (b"begin", b"slow"),
        (b"begin", b"quick"),
        (b"end", b"quick"),
        (b"end", b"slow"),
    ]
    assert len(worker.spawned) == 2


def test_the_pool_keeps_so_many_greenlets_and_lets_the_others_end(greens, monkeypatch):
    monkeypatch.setattr(green, "_MOST_IDLE", 2)
    worker = greens.worker(lambda line: worker.sleep(1.0))
    for _ in range(5):
        greens.connect(worker, b"a\n")

    worker.step(10.0)

    assert [each.dead for each in worker.spawned].count(True) == 3
    greens.connect(worker, b"again\n")
    worker.step(10.0)
    assert len(worker.spawned) == 5


def test_a_slow_reader_blocks_its_greenlet_alone(greens):
    worker = greens.worker()
    reader, other = greens.connect(worker, b"more\n"), greens.connect(worker)
    worker.step(1.0)
    other.sendall(b"a\n")
    worker.step(1.0)

    assert other.recv(100) == b"a\n"
    received = 0
    while received <= len(MORE):
        received += len(readable(reader) or b"")
        worker.step(0.001)


def test_a_transport_waits_by_the_models_primitive_and_is_no_sign_of_life(greens):
    worker = greens.worker(body_timeout=7.0, write_timeout=8.0, body_rate=900)
    waits = []
    worker.wait_for = lambda *words: bool(waits.append(words))
    transport = green._GreenTransport(worker)
    transport.fd = 77
    before = worker.context.slot.heartbeat

    assert transport._poll(select.POLLIN, 0.5) is False

    assert waits == [(77, select.POLLIN, 0.5)]
    assert (transport._body_timeout, transport._write_timeout) == (7.0, 8.0)
    assert transport._body_rate == 900
    transport._progress()
    assert worker.context.slot.heartbeat == before


def test_every_connection_may_have_a_request_in_flight(greens):
    assert HubWorker.capacity(SimpleNamespace(worker_connections=1200)) == 1200


def test_the_main_greenlet_is_not_one_of_the_pool(greens):
    worker = greens.worker()

    assert worker.current() is greenlet.getcurrent()
    assert worker.current() not in worker.spawned


# When the worker is idle.


def test_the_listeners_of_worker_idle_run_in_the_pool_once_for_the_requests_of_a_turn(greens):
    idle = Idle()
    worker = greens.worker(plugins=[idle])
    for _ in range(3):
        greens.connect(worker, b"a\n")

    worker.step(1.0)

    assert len(idle.greenlets) == 1
    assert idle.greenlets[0] in worker.spawned


def test_the_listeners_of_worker_idle_run_after_a_request_that_ends_later(greens):
    idle, ran = Idle(), []

    def application(line):
        ran.append(worker.current())
        worker.sleep(1.0)

    worker = greens.worker(application, plugins=[idle])
    greens.connect(worker, b"a\n")

    worker.step(5.0)

    assert idle.greenlets == ran


def test_the_listeners_of_worker_idle_never_run_in_the_hub_while_a_pipelined_one_blocks(greens):
    """The first request has ended, and the second one has its greenlet, when other events come."""
    idle = Idle()
    worker = greens.worker(lambda line: worker.sleep(5.0), plugins=[idle])
    greens.connect(worker, b"first\nsecond\n")
    other = greens.connect(worker)
    worker.step(7.0)

    other.sendall(b"half a li")
    worker.step(1.0)

    assert worker.alive, "the worker has failed"
    assert len(idle.greenlets) == 1


def test_without_a_listener_no_greenlet_is_taken_for_idleness(greens):
    worker = greens.worker()
    greens.connect(worker, b"a\n")

    worker.step(1.0)

    assert len(worker.spawned) == 1
    assert worker.has_worked  # no greenlet has called idle()


# The main loop.


def test_a_step_sleeps_as_long_as_it_was_asked_and_is_a_heartbeat(greens):
    worker = greens.worker()
    began = worker.clock()

    worker.step(30.0)

    assert worker.clock() == worker.context.slot.heartbeat == began + 30.0


def test_a_sweep_that_becomes_due_earlier_ends_the_step(greens):
    worker = greens.worker()
    began = worker.clock()
    worker.call_later(1.0, lambda: worker.reactor.loop.sweep_by(began + 5.0))

    worker.step(30.0)

    assert worker.clock() == began + 1.0
    worker.step(worker.reactor.pause())
    assert worker.clock() == began + 5.0


def test_a_silent_connection_is_closed_at_its_deadline(greens):
    worker = greens.worker(header_timeout=3.0, timeout=0)
    began, closed = worker.clock(), []
    client = greens.connect(worker)

    def check():
        if readable(client) == b"":
            closed.append(worker.clock())
            worker.stop()
            worker.wake()
        else:
            worker.call_later(0.25, check)

    worker.call_later(0.25, check)
    worker.run()

    assert 3.0 <= closed[0] - began <= 3.5


def test_a_signal_ends_a_sleep_for_ever(greens):
    worker = greens.worker()
    worker.call_later(2.0, worker.stop)
    worker.call_later(2.0, worker.wake)

    worker.step(math.inf)

    assert not worker.alive


def test_what_wakes_the_main_greenlet_while_it_runs_is_not_kept_for_its_next_sleep(greens):
    worker = greens.worker()
    began = worker.clock()

    worker.on_earlier_sweep()
    worker.step(30.0)

    assert worker.clock() == began + 30.0


def test_a_step_that_has_ended_early_does_not_end_a_later_one(greens):
    """Neither by its timer, nor by a second wake-up at the same moment."""
    worker = greens.worker()
    began = worker.clock()
    for _ in range(2):
        worker.call_later(1.0, worker.on_earlier_sweep)

    worker.step(30.0)
    assert worker.clock() == began + 1.0
    worker.step(100.0)

    assert worker.clock() == began + 101.0


def test_a_drain_finishes_what_runs(greens):
    worker = greens.worker(lambda line: worker.sleep(5.0))
    client = greens.connect(worker, b"quit\n")
    worker.step(1.0)

    worker.stop()
    worker.drain(worker.clock() + 30.0)

    assert client.recv(100) == b"quit\n"
    assert not worker.reactor.open


def test_a_drain_ends_at_its_deadline(greens):
    worker = greens.worker(lambda line: worker.sleep(500.0))
    greens.connect(worker, b"quit\n")
    worker.step(1.0)
    deadline = worker.clock() + 10.0

    worker.stop()
    worker.drain(deadline)

    assert deadline <= worker.clock() < deadline + 0.1
    assert worker.requests_in_flight == 1
