"""The end of a forked process, with its exit code."""

import os
import sys

import pytest

from hookserve.system.exiting import run_to_end

pytestmark = pytest.mark.process


def exit_code_of(body, on_error=lambda: None, exit_callback=lambda: None):
    """What a child ends with that runs `body` to its end."""
    pid = os.fork()
    if pid == 0:
        sys.stdout = sys.stderr = open(os.devnull, "w")
        run_to_end(body, on_error, exit_callback)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def raising(error):
    def body():
        raise error

    return body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda: 0, 0),
        (lambda: 7, 7),
        (raising(SystemExit(5)), 5),
        (raising(SystemExit(None)), 0),
        (raising(SystemExit("a message")), 1),
        (raising(ValueError("anything")), 1),
        (raising(KeyboardInterrupt()), 1),
    ],
)
def test_the_exit_code_is_what_the_body_ends_with(body, code):
    assert exit_code_of(body) == code


def test_an_error_is_reported_and_the_exit_callback_runs(tmp_path):
    exit_code_of(
        raising(ValueError()),
        on_error=(tmp_path / "error").touch,
        exit_callback=(tmp_path / "exit").touch,
    )

    assert (tmp_path / "error").exists()
    assert (tmp_path / "exit").exists()


def test_a_callback_that_fails_makes_the_exit_code_one():
    assert exit_code_of(lambda: 0, exit_callback=raising(ValueError())) == 1
