"""What ends a request, a worker or a forked child of a model with greenlets before its time."""

import contextlib
from types import SimpleNamespace

import pytest
from support.green import run_for

from hookserve.protocol.seam import RequestCancelled
from hookserve.reactor import worker as worker_module
from hookserve.reactor.held import HoldingTransport
from hookserve.reactor.transport import SocketTransport

# The end of a request that takes too long.


class Sleeper:
    """An application that sleeps, in two parts, and records what it is cancelled with and when."""

    def __init__(self):
        self.worker, self.cancelled = None, []

    def __call__(self, line):
        began = self.worker.clock()
        try:
            for _ in range(2):
                self.worker.sleep(float(line) / 2)
        except RequestCancelled as error:
            self.cancelled.append((line, self.worker.clock() - began, str(error)))
            raise


@pytest.fixture
def limited(greens):
    """A worker with a request_timeout of 5 seconds, whose application sleeps as long as it is asked
    to."""
    sleeper = Sleeper()
    sleeper.worker = greens.worker(sleeper, request_timeout=5)
    return sleeper


def test_a_request_is_cancelled_at_its_limit_and_no_other(greens, limited):
    slow, quick = greens.connect(limited.worker, b"60\n"), greens.connect(limited.worker, b"4.5\n")

    run_for(limited.worker, 10.0)

    assert limited.cancelled == [(b"60", 5.0, "request_timeout: cancelled after 5 s")]
    assert slow.recv(100) == b"request_timeout: cancelled after 5 s\n"
    assert quick.recv(100) == b"4.5\n"
    assert limited.worker.requests_in_flight == 0
    assert limited.worker.alive


def test_a_request_that_goes_on_elsewhere_is_not_cancelled_in_the_greenlet_that_began_it(greens):
    failures = []
    worker = greens.worker(request_timeout=5)
    worker.fail = failures.append
    worker.suspends = True
    worker.end = lambda *_: None  # its exchange is suspended
    client = greens.connect(worker, b"a\n")

    run_for(worker, 10.0)

    assert client.recv(100) == b"a\n"
    assert failures == []


def test_a_request_that_begins_during_a_long_sleep_is_cancelled_in_time(greens, limited):
    client = greens.connect(limited.worker)
    limited.worker.call_later(7.0, lambda: client.sendall(b"60\n"))

    run_for(limited.worker, 1000.0)

    assert [at for _, at, _ in limited.cancelled] == [5.0]


def test_a_request_that_ends_as_it_is_to_be_cancelled_is_not(greens, limited):
    """Its greenlet is back in the pool by the time the hub would cancel it."""
    client = greens.connect(limited.worker, b"5\n")

    run_for(limited.worker, 10.0)

    assert limited.worker.alive, "the worker has failed"
    assert client.recv(100) == b"5\n"


def test_the_next_request_of_a_greenlet_is_not_cancelled_for_the_one_before(greens, limited):
    client = greens.connect(limited.worker, b"5\n4\n")

    run_for(limited.worker, 20.0)

    assert limited.cancelled == []
    assert client.recv(100) == b"5\n4\n"


def test_a_request_that_catches_its_cancellation_is_not_cancelled_again(greens, limited):
    def application(line):
        with contextlib.suppress(RequestCancelled):
            limited(line)
        limited(line)

    limited.worker.application = application
    client = greens.connect(limited.worker, b"60\n")

    run_for(limited.worker, 100.0)

    assert len(limited.cancelled) == 1
    assert client.recv(100) == b"60\n"


def test_without_a_limit_no_request_is_cancelled(greens):
    worker = greens.worker(lambda line: worker.sleep(5000.0))
    client = greens.connect(worker, b"a\n")

    worker.step(6000.0)

    assert client.recv(100) == b"a\n"


# Failures.


def test_an_error_in_a_greenlet_of_the_pool_fails_the_worker_and_wakes_it(greens, caplog):
    class Fatal(BaseException):
        """Not for a protocol to handle."""

    def application(line):
        worker.sleep(2.0)
        raise Fatal

    worker = greens.worker(application)
    greens.connect(worker, b"a\n")

    worker.run()

    assert (worker.exit_code, worker.is_quick) == (1, True)
    assert [each.exc_info[0] for each in caplog.records] == [Fatal]


@pytest.mark.parametrize("method", ["turn", "sweep"])
def test_an_error_of_the_reactor_fails_the_worker(greens, monkeypatch, caplog, method):
    worker = greens.worker()
    greens.connect(worker, b"a\n")

    def fail(*_):
        raise OSError("the poller")

    monkeypatch.setattr(worker.reactor, method, fail)
    worker.reactor.loop.sweep_by(worker.clock() + 1.0)

    worker.run()

    assert worker.exit_code == 1
    assert str(caplog.records[0].exc_info[1]) == "the poller"


def test_an_error_of_what_a_signal_asks_for_fails_the_worker(greens, caplog):
    worker = greens.worker()

    def fail():
        worker.process_signals = process_signals
        raise OSError("no such file")

    process_signals, worker.process_signals = worker.process_signals, fail
    worker.call_later(1.0, worker.wake)

    worker.run()

    assert worker.exit_code == 1
    assert str(caplog.records[0].exc_info[1]) == "no such file"


def test_the_report_of_a_timeout_has_the_stack_of_each_request(greens):
    reports = []

    def application(line):
        if line == b"GET /asks":
            reports.append(worker.format_tasks())
        else:
            deeply(worker)

    def deeply(worker):
        worker.sleep(60.0)

    worker = greens.worker(application)
    greens.connect(worker, b"GET /sleeps\n")
    worker.step(3.0)
    greens.connect(worker, b"GET /asks\n")
    worker.step(1.0)

    first, second = reports[0].split("Greenlet of ")[1:]
    assert first.startswith("GET /sleeps (3.0 s):\n")
    assert "in deeply" in first
    assert second == "GET /asks (0.0 s):\n  (running)\n"
    assert "GET /asks" not in worker.format_tasks()


# In a child that the application has forked.


class Ended(BaseException):
    """The process has ended, in a test that goes on."""


@pytest.fixture
def forking(greens, monkeypatch):
    """A worker whose second request forks, while its first one sleeps."""

    def end(error=None):
        raise Ended(worker.current())

    def application(line):
        if line == b"fork":
            origin.append(worker.current())
            worker.after_fork()
        worker.sleep(2.0)

    monkeypatch.setattr(worker_module, "end_forked_child", end)
    monkeypatch.setattr(SocketTransport, "send", SocketTransport.send)  # to be set back
    monkeypatch.setattr(HoldingTransport, "send_last", HoldingTransport.send_last)
    origin, failures = [], []
    worker = greens.worker(application, request_timeout=5)
    worker.fail = failures.append
    greens.connect(worker, b"sleep\n")
    greens.connect(worker, b"fork\n")
    return SimpleNamespace(worker=worker, origin=origin, failures=failures)


def test_a_forked_child_ends_when_the_greenlet_that_forked_it_would_send(forking):
    run_for(forking.worker, 3.0)

    assert [each.args for each in forking.failures] == [tuple(forking.origin)]


def test_another_greenlets_response_is_not_sent_by_a_forked_child(forking):
    run_for(forking.worker, 10.0)

    sleeping = forking.worker.spawned[0]
    assert sleeping is not forking.origin[0]
    assert not sleeping.dead
    assert len(forking.failures) == 1


def test_a_forked_child_cancels_no_request(greens, limited, monkeypatch):
    monkeypatch.setattr(SocketTransport, "send", SocketTransport.send)  # to be set back
    monkeypatch.setattr(HoldingTransport, "send_last", HoldingTransport.send_last)
    greens.connect(limited.worker, b"60\n")
    limited.worker.call_later(1.0, limited.worker.after_fork)

    run_for(limited.worker, 30.0)

    assert limited.cancelled == []
    assert limited.worker.requests_in_flight == 1
