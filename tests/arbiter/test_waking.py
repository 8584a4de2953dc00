"""A signal that another thread has taken wakes the main thread."""

import pytest
from support.signalled import exit_code_at_sigterm

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
    assert exit_code_at_sigterm(PROGRAM.format(sleep=sleep), b"ready\n") == 7
