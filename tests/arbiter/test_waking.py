"""A signal that another thread has taken wakes the main thread."""

import signal
import subprocess
import sys

import pytest

from hookserve.testing.waiting import DEADLINE

pytestmark = pytest.mark.process

PROGRAM = """
import os, signal, sys, threading, time
from hookserve.arbiter.waking import MainThreadWaker

MainThreadWaker().start()
threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # the other thread takes it
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
print("ready", flush=True)
{sleep}
"""


@pytest.mark.parametrize(
    "sleep", ["time.sleep(3600)", "signal.pause()", "threading.Event().wait()", "sys.stdin.read()"]
)
def test_a_signal_that_another_thread_has_taken_ends_a_sleep(sleep):
    command = [sys.executable, "-c", PROGRAM.format(sleep=sleep)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(signal.SIGTERM)

            assert process.wait(DEADLINE) == 7
        finally:
            process.kill()
