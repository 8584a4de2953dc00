"""Suspending a process."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from hookserve.testing.suspending import suspend, suspended

COUNTS = """
import sys, threading, time

def count():
    while True:
        print("counted", flush=True)

for _ in range(4):
    threading.Thread(target=count, daemon=True).start()
time.sleep(60)
"""


_MORE_THAN_WAS_WRITTEN = 2**20
"""Bytes; a pipe and a reader's buffer have room for fewer."""


@pytest.fixture
def counting():
    """A process whose threads write without an end."""
    with subprocess.Popen([sys.executable, "-c", COUNTS], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def is_silent(process):
    """Whether nothing comes after what has been written."""
    os.set_blocking(process.stdout.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        while os.read(process.stdout.fileno(), 65536):
            pass
    try:
        return not os.read(process.stdout.fileno(), 1)
    except BlockingIOError:
        return True
    finally:
        os.set_blocking(process.stdout.fileno(), True)


def test_no_thread_runs_when_it_returns(counting):
    suspend(counting.pid)

    assert is_silent(counting)
    os.kill(counting.pid, signal.SIGCONT)
    assert counting.stdout.readline()


def test_processes_go_on_after_the_block(counting):
    with suspended([counting.pid]):
        assert is_silent(counting)

    assert counting.stdout.readline()


def test_processes_go_on_when_one_of_them_is_not_there(counting):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
        with pytest.raises(ProcessLookupError), suspended([counting.pid, ended.pid]):
            pass

    assert counting.stdout.read(_MORE_THAN_WAS_WRITTEN)


def test_a_process_may_end_in_the_block(counting):
    with suspended([counting.pid]):
        counting.kill()
        counting.wait()


def test_there_must_be_such_a_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with pytest.raises(ProcessLookupError):
            suspend(process.pid)
