"""Suspending a process."""

import os
import signal
import subprocess
import sys

import pytest

from hookserve.testing.suspending import suspend

COUNTS = """
import sys, threading, time

def count():
    while True:
        print("counted", flush=True)

for _ in range(4):
    threading.Thread(target=count, daemon=True).start()
time.sleep(60)
"""


def test_no_thread_runs_when_it_returns():
    with subprocess.Popen([sys.executable, "-c", COUNTS], stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            suspend(process.pid)
            os.set_blocking(process.stdout.fileno(), False)
            while os.read(process.stdout.fileno(), 65536):
                pass
        except BlockingIOError:
            with pytest.raises(BlockingIOError):
                os.read(process.stdout.fileno(), 1)
            os.kill(process.pid, signal.SIGCONT)
            os.set_blocking(process.stdout.fileno(), True)
            assert process.stdout.readline()
        finally:
            process.kill()


def test_there_must_be_such_a_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        with pytest.raises(ProcessLookupError):
            suspend(process.pid)
