"""The arbiter's process calls, with real children."""

import os
import signal

import pytest

from hookserve.system.processes import Processes
from hookserve.testing import wait_until

pytestmark = pytest.mark.process


def test_a_child_is_forked_signalled_and_reaped():
    processes = Processes()
    reading, writing = os.pipe()
    pid = processes.fork()
    if pid == 0:
        os.read(reading, 1)  # until it is killed
        os._exit(0)
    found = []

    assert processes.reap(pid) is None
    processes.kill(pid, signal.SIGKILL)
    wait_until(lambda: found.append(processes.reap(pid)) or found[-1] is not None)

    assert os.WTERMSIG(found[-1]) == signal.SIGKILL
    for end in (reading, writing):
        os.close(end)


def test_a_signal_to_a_process_that_is_gone_is_no_error():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

    Processes().kill(pid, signal.SIGTERM)


def test_a_child_that_other_code_has_waited_for_counts_as_ended():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

    assert Processes().reap(pid) == 0
