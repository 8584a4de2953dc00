"""A program that a signal ends."""

import signal
import subprocess
import sys

from hookserve.testing.waiting import DEADLINE


def exit_code_at_sigterm(program, line):
    """What a Python program exits with that gets TERM once it has written the line."""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == line
            process.send_signal(signal.SIGTERM)
            return process.wait(DEADLINE)
        finally:
            process.kill()
