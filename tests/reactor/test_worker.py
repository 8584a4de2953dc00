"""The main loop around a reactor: what is called in which order, and for how long it waits."""

import os
import signal
from types import SimpleNamespace

import pytest
from support.fake_arbiter import FakeClock
from support.reactors import readable

from hookserve import hookimpl
from hookserve.reactor import reactor as reactor_module
from hookserve.reactor import worker as worker_module
from hookserve.reactor.held import HoldingTransport
from hookserve.reactor.poller import EDGE, FOR_EVER, READABLE, make_poller
from hookserve.reactor.transport import SocketTransport, SpoolingTransport
from hookserve.reactor.worker import ReactorWorker


class Ended(BaseException):
    """The process has ended, in a test that goes on."""


class Model(ReactorWorker):
    """Serves at once, with the transport of models that may wait."""

    def __init__(self, context):
        super().__init__(context)
        self.transport = self.make_transport()

    def serve(self, accepted):
        self.reactor.exchange(accepted, self.transport)


class Recorded(Model):
    """Records the calls of its loops; each `step` takes the next of `acts`."""

    def __init__(self, context):
        super().__init__(context)
        self.calls, self.acts = [], []
        self.clock = FakeClock()

    def start(self):
        self.calls.append("start")

    def step(self, seconds):
        self.calls.append(seconds)
        self.acts.pop(0)()

    def begin_drain(self):
        self.calls.append("begin_drain")

    def count_open(self, count):
        self.calls.append(("count_open", count))


class OnePiece(Model):
    """As a pool has it."""

    batch = 1


@pytest.fixture
def pausing(make_worker, monkeypatch):
    """A recorded worker whose reactor has a pause and a drain that a test sets."""
    worker = make_worker(Recorded)
    worker.left, worker.pause = True, 30.0
    monkeypatch.setattr(worker.reactor, "pause", lambda: worker.pause)
    monkeypatch.setattr(worker.reactor, "is_draining", lambda deadline: worker.left)
    return worker


def test_a_worker_starts_once_and_steps_by_the_reactors_pause_until_it_is_stopped(pausing):
    def nap():
        pausing.pause = 10.0

    pausing.acts = [nap, nap, pausing.stop, pytest.fail]

    pausing.run()

    assert pausing.calls == ["start", 30.0, 10.0, 10.0]


def test_a_worker_that_was_stopped_before_it_ran_takes_no_step(pausing):
    pausing.stop()

    pausing.run()

    assert pausing.calls == ["start"]


@pytest.mark.parametrize("error", [OSError("the poller"), KeyboardInterrupt()], ids=repr)
def test_an_error_that_is_no_connections_leaves_the_loop(pausing, error):
    def fail():
        raise error

    pausing.acts = [fail]

    with pytest.raises(type(error)):
        pausing.run()


def test_a_drain_stops_accepting_first_and_ends_when_nothing_is_left(pausing):
    def finish():
        pausing.left = False

    pausing.acts = [list, finish, pytest.fail]

    pausing.drain(pausing.clock() + 100.0)

    assert pausing.calls == ["begin_drain", 30.0, 30.0, ("count_open", 0)]


@pytest.mark.parametrize(
    ("pause", "interval", "left", "expected"),
    [(3.0, FOR_EVER, 5.0, 3.0), (9.0, 0.05, 5.0, 0.05), (9.0, FOR_EVER, 5.0, 5.0)],
    ids=["the next sweep", "another thread's close", "the deadline"],
)
def test_a_step_of_a_drain_ends_by_whatever_comes_first(pausing, pause, interval, left, expected):
    def finish():
        pausing.left = False

    pausing.pause, pausing.drain_interval, pausing.acts = pause, interval, [finish]

    pausing.drain(pausing.clock() + left)

    assert pausing.calls[1] == expected


def test_no_step_of_a_drain_is_shorter_than_none(pausing):
    """The deadline may pass between the two looks at the clock."""

    def finish():
        pausing.left = False

    pausing.acts = [finish]

    pausing.drain(pausing.clock() - 1.0)

    assert pausing.calls[1] == 0.0


def test_connections_that_are_open_at_the_deadline_stay_counted(make_worker, connect):
    worker = make_worker(Recorded)
    connect(worker.reactor, b"half a li")
    worker.acts = [lambda: setattr(worker.clock, "now", worker.clock.now + 2.0), pytest.fail]

    worker.drain(worker.clock() + 2.0)

    assert worker.calls == ["begin_drain", 2.0]
    assert len(worker.reactor.open) == 1


def test_a_drain_serves_what_is_open_and_closes_what_is_idle(make_worker, connect):
    worker = make_worker(Model, linger_timeout=0.05)
    asking, idle = connect(worker.reactor, b"half a li"), connect(worker.reactor, b"once\n")
    assert idle.recv(100) == b"once\n"
    asking.sendall(b"ne\nquit\n")

    worker.stop()
    worker.drain(worker.clock() + 5.0)

    assert (asking.recv(100), idle.recv(100)) == (b"half a line\nquit\n", b"")
    assert not worker.reactor.open


def test_a_drain_whose_deadline_has_passed_leaves_connections_as_they_are(make_worker, connect):
    worker = make_worker(Model)
    client = connect(worker.reactor, b"half a li")

    worker.drain(worker.clock())

    assert readable(client) is None
    assert len(worker.reactor.open) == 1


class Logs:
    """A plugin that records when logs are reopened."""

    def __init__(self):
        self.reopened = 0

    @hookimpl
    def reopen_logs(self):
        self.reopened += 1


def test_a_started_worker_processes_signals_in_its_step(make_worker):
    logs = Logs()
    worker = make_worker(Model, plugins=[logs])
    worker.start()
    worker.reopen_logs()

    worker.step(0.0)
    assert logs.reopened == 0
    worker.wake()
    worker.step(FOR_EVER)
    assert logs.reopened == 1

    worker.reopen_logs()
    worker.step(0.0)
    assert logs.reopened == 1  # one wake-up is one


def test_a_model_is_notified_of_an_earlier_sweep(make_worker):
    class Notified(Model):
        def on_earlier_sweep(self):
            sweeps.append(self.reactor.next_sweep)

    sweeps = []
    worker = make_worker(Notified)

    worker.reactor.loop.sweep_by(worker.clock() + 50.0)
    worker.reactor.loop.sweep_by(worker.clock() + 60.0)

    assert sweeps == [worker.reactor.next_sweep]


def test_a_model_that_has_drained_is_notified_of_no_sweep(make_worker):
    """It takes no further step, and what would end that would end something else."""

    class Notified(Model):
        def on_earlier_sweep(self):
            sweeps.append(self.reactor.next_sweep)

        def end_exchanges(self):
            self.reactor.loop.sweep_by(0.0)
            super().end_exchanges()

    sweeps = []
    worker = make_worker(Notified)
    worker.start()

    worker.begin_drain()
    sweeps.clear()
    worker.drain(worker.clock())

    assert sweeps == []


@pytest.mark.parametrize(("model", "expected"), [(Model, 3), (OnePiece, 1)])
def test_a_turn_takes_as_many_events_as_the_models_batch(make_worker, model, expected):
    worker = make_worker(model)
    pipes, handled = [os.pipe() for _ in range(3)], []
    for read, write in pipes:
        worker.reactor.loop.watch(read, lambda read=read: handled.append(read), EDGE)
        os.write(write, b"x")

    worker.step(0.0)

    assert len(handled) == expected
    for fd in sum(pipes, ()):
        os.close(fd)


def test_a_transport_has_the_settings_of_the_worker(make_worker):
    worker = make_worker(Model, body_timeout=7.0, write_timeout=8.0, body_rate=900)

    transport = worker.make_transport()

    assert type(transport) is SpoolingTransport
    assert (transport._body_timeout, transport._write_timeout) == (7.0, 8.0)
    assert transport._body_rate == 900
    assert transport._progress == worker.notify
    assert transport._make_file == worker.spool
    assert worker.make_transport() is not transport


@pytest.fixture
def forked(make_worker, connect, monkeypatch):
    """A worker with a connection, as it is in a child that the application has forked; and what its
    parent still has of both."""

    def end(error=None):
        raise Ended(error)

    for module in (reactor_module, worker_module):
        monkeypatch.setattr(module, "end_forked_child", end)
    monkeypatch.setattr(SocketTransport, "send", SocketTransport.send)  # to be set back
    monkeypatch.setattr(HoldingTransport, "send_last", HoldingTransport.send_last)
    worker = make_worker(Model)
    client = connect(worker.reactor)
    (fd,) = worker.reactor.open
    parents_fd, parents_poller = os.dup(fd), os.dup(worker.reactor.fileno())
    watch = make_poller()
    watch.register(parents_poller, READABLE)
    worker.after_fork()
    yield SimpleNamespace(worker=worker, client=client, fd=fd, watch=watch, parent=parents_fd)
    watch.close()
    os.close(parents_fd)
    os.close(parents_poller)


def test_a_forked_child_has_no_connection_and_leaves_the_parents_alone(forked):
    os.write(forked.fd, b"from the child")
    assert readable(forked.client) is None

    os.write(forked.parent, b"from the parent")
    assert readable(forked.client) == b"from the parent"


def test_a_forked_child_gets_no_event_and_takes_none_from_its_parent(forked):
    forked.client.sendall(b"a line\n")

    with make_poller() as child:
        child.register(forked.worker.reactor.fileno(), READABLE)
        assert child.poll(0.0) == []
    assert len(forked.watch.poll(0.0)) == 1


def test_a_forked_child_ends_when_it_comes_back_to_the_loop(forked):
    with pytest.raises(Ended) as ended:
        forked.worker.step(1.0)

    assert ended.value.args == (None,)


@pytest.mark.parametrize("error", [None, SystemExit(3), ValueError("a fault")], ids=repr)
def test_a_forked_child_that_would_send_ends_with_the_applications_error(forked, error):
    transport = SocketTransport(1.0, 1.0, list)
    transport.fd = forked.parent

    def respond():
        try:
            if error is not None:
                raise error
        except BaseException:
            transport.send(b"an error page")
        transport.send(b"a response")

    with pytest.raises(Ended) as ended:
        respond()

    assert ended.value.args == (error,)
    assert readable(forked.client) is None


def test_a_forked_child_has_no_deadline(forked):
    forked.worker.reactor.loop.sweep_by(0.0)

    assert forked.worker.reactor.next_sweep == FOR_EVER


def test_a_forked_child_is_no_sign_of_life_and_counts_nothing(forked):
    slot = forked.worker.context.slot
    before = slot.heartbeat, slot.open_connections

    forked.worker.notify()
    forked.worker.count_open(7)

    assert (slot.heartbeat, slot.open_connections) == before


def test_a_signal_ends_a_wait_for_ever(make_worker):
    worker = make_worker(Model)
    worker.start()
    before = signal.signal(signal.SIGUSR2, lambda *_: worker.stop())
    descriptor = signal.set_wakeup_fd(-1)
    try:
        worker.listen_for_signals()
        signal.raise_signal(signal.SIGUSR2)
        worker.step(FOR_EVER)
    finally:
        signal.set_wakeup_fd(descriptor)
        signal.signal(signal.SIGUSR2, before)

    assert not worker.alive
