"""What a worker's process does on each signal, tried in the test's own process."""

import faulthandler
import os
import signal
import tempfile
import threading

import pytest

from hookserve.worker.signals import DUMP_SIGNAL, restore_defaults, take_over

ARBITERS = ("SIGHUP", "SIGUSR2", "SIGWINCH", "SIGTTIN", "SIGTTOU")
WORKERS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGIO)


@pytest.fixture
def dump():
    """Where stacks go; afterwards each signal means what it did before."""
    numbers = [getattr(signal, name) for name in ARBITERS]
    before = {
        number: signal.getsignal(number)
        for number in (*numbers, *WORKERS, DUMP_SIGNAL, signal.SIGCHLD)
    }
    descriptor = signal.set_wakeup_fd(-1)
    with tempfile.TemporaryFile() as file:
        yield file
        faulthandler.unregister(DUMP_SIGNAL)
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.set_wakeup_fd(descriptor)


@pytest.fixture
def handlers():
    """Handlers that record their signals, as one list and by number."""
    arrived = []

    def handle(number, _):
        arrived.append(number)

    # Each its own object: one that the application shares with hookserve is not told from its own.
    return arrived, {number: lambda *args: handle(*args) for number in (*WORKERS, DUMP_SIGNAL)}


@pytest.mark.parametrize("name", ARBITERS)
def test_a_signal_of_the_arbiter_does_nothing_in_a_worker(dump, handlers, name):
    arrived, by_number = handlers
    signal.signal(getattr(signal, name), by_number[signal.SIGTERM])  # as inherited

    take_over(by_number, dump.fileno())
    signal.raise_signal(getattr(signal, name))

    assert arrived == []


def test_a_worker_handles_its_signals_and_leaves_children_to_the_application(dump, handlers):
    arrived, by_number = handlers
    signal.signal(signal.SIGCHLD, by_number[signal.SIGTERM])  # as inherited

    take_over(by_number, dump.fileno())
    for number in WORKERS:
        signal.raise_signal(number)

    assert arrived == list(WORKERS)
    assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL


def test_the_stacks_of_all_threads_are_dumped_before_the_handler_runs(dump, handlers):
    _, by_number = handlers
    dumped = []
    by_number[DUMP_SIGNAL] = lambda *_: dumped.append(dump.seek(0) or dump.read())
    has_begun, is_over = threading.Event(), threading.Event()

    def wait_in_another_thread():
        has_begun.set()
        is_over.wait()

    other = threading.Thread(target=wait_in_another_thread)
    other.start()
    has_begun.wait()
    take_over(by_number, dump.fileno())

    signal.raise_signal(DUMP_SIGNAL)

    is_over.set()
    other.join()
    assert len(dumped) == 1
    assert b"test_the_stacks_of_all_threads_are_dumped_before_the_handler_runs" in dumped[0]
    assert b"wait_in_another_thread" in dumped[0]


def test_a_child_of_the_application_ends_on_the_usual_signals_and_on_no_other(dump, handlers):
    arrived, by_number = handlers
    take_over(by_number, dump.fileno())

    restore_defaults(by_number)
    signal.raise_signal(signal.SIGUSR1)  # the arbiter's: the log is reopened
    signal.raise_signal(signal.SIGIO)  # of the worker's channel

    assert arrived == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getsignal(DUMP_SIGNAL) == signal.SIG_DFL
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert dump.seek(0, 2) == 0


def test_a_handler_that_the_application_has_set_stays_in_its_child(dump, handlers):
    arrived, by_number = handlers
    take_over(by_number, dump.fileno())
    own = []
    signal.signal(signal.SIGTERM, lambda *_: own.append("TERM"))
    signal.signal(signal.SIGUSR1, lambda *_: own.append("USR1"))

    restore_defaults(by_number)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGUSR1)

    assert own == ["TERM", "USR1"]
    assert arrived == []


def test_a_signal_in_a_child_of_the_application_wakes_no_worker(dump, handlers):
    _, by_number = handlers
    take_over(by_number, dump.fileno())
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)

    restore_defaults(by_number)

    assert signal.set_wakeup_fd(-1) == -1
    os.close(reading)
    os.close(writing)
