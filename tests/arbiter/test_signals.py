"""Signals reach the arbiter's loop by a descriptor."""

import signal
import threading

import pytest

from hookserve.arbiter.signals import HANDLED, TABLE, Blocked, SignalInbox


@pytest.fixture
def inbox():
    made = SignalInbox()
    before = signal.getsignal(signal.SIGUSR1)
    made.open([signal.SIGUSR1])
    yield made
    made.close()
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
)
def test_a_signal_is_read_from_the_descriptor(inbox):
    assert inbox.read() == []

    signal.raise_signal(signal.SIGUSR1)

    assert inbox.read() == [signal.SIGUSR1]
    assert inbox.read() == []


def test_inside_a_block_signals_wait(inbox):
    with Blocked():
        signal.raise_signal(signal.SIGUSR1)
        assert inbox.read() == []

    assert inbox.read() == [signal.SIGUSR1]


def test_every_signal_that_is_handled_is_in_the_reference():
    named = {getattr(signal, f"SIG{name}") for name, _, _ in TABLE}

    assert set(HANDLED) <= named
