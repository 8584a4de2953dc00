"""A daemon, and what the process that started it is told."""

import json
import os
import signal
import sys

import pytest

from hookserve.launch.daemon import StartReport, daemonize


@pytest.fixture
def pipe():
    """A report, and the descriptor that it is read from."""
    reading, writing = os.pipe()
    report = StartReport(writing)
    yield report, reading
    for descriptor in (*report.descriptors(), reading):
        os.close(descriptor)


def test_the_first_report_counts_and_ends_the_wait(pipe):
    report, reading = pipe
    (descriptor,) = report.descriptors()

    report.report(0, "")
    report.report(1, "too late")

    assert os.read(reading, 100) == b"0 "
    assert os.read(reading, 100) == b""
    assert report.descriptors() == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_report_may_quote_a_path_that_is_not_text(pipe):
    report, reading = pipe

    report.report(1, "cannot open caf\udce9")

    assert os.read(reading, 100) == b"1 cannot open caf\\udce9"


def test_a_process_that_waits_no_longer_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    report = StartReport(writing)

    report.report(0, "")

    assert report.descriptors() == []


def start(daemon, directory, keep=False, prepare=None):
    """Start a daemon that calls `daemon(report)`; what the caller exits with and prints."""
    path = directory / "stderr"
    pid = os.fork()
    if pid == 0:
        try:
            stderr = os.open(path, os.O_WRONLY | os.O_CREAT)
            os.dup2(stderr, 2)
            if prepare is not None:
                prepare()
            sys.stderr = open(2, "w", closefd=False)  # not the test run's own
            daemon(daemonize(keep))
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), path.read_text()


def is_null(descriptor):
    return os.fstat(descriptor).st_rdev == os.stat(os.devnull).st_rdev


@pytest.mark.process
def test_a_daemon_leads_no_session_and_its_caller_exits_when_it_is_up(tmp_path):
    def daemon(report):
        found = {
            "session": os.getsid(0),
            "pid": os.getpid(),
            "streams": [is_null(descriptor) for descriptor in (0, 1, 2)],
        }
        (tmp_path / "found").write_text(json.dumps(found))
        report.report(0, "")

    assert start(daemon, tmp_path) == (0, "")

    found = json.loads((tmp_path / "found").read_text())
    assert found["session"] not in (found["pid"], os.getsid(0))
    assert found["streams"] == [True, True, True]


@pytest.mark.process
def test_streams_that_are_no_terminal_stay_if_they_are_wanted_but_for_the_input(tmp_path):
    main, terminal = os.openpty()

    def prepare():
        os.dup2(os.open(tmp_path / "output", os.O_RDWR | os.O_CREAT), 0)
        os.dup2(0, 1)
        os.dup2(terminal, 2)

    def daemon(report):
        found = [is_null(descriptor) for descriptor in (0, 1, 2)]
        (tmp_path / "found").write_text(json.dumps(found))
        report.report(0, "")

    assert start(daemon, tmp_path, keep=True, prepare=prepare)[0] == 0

    assert json.loads((tmp_path / "found").read_text()) == [True, False, True]
    os.close(main)
    os.close(terminal)


@pytest.mark.process
@pytest.mark.parametrize(
    ("daemon", "code", "printed"),
    [
        (lambda report: report.report(4, "no application\n  named"), 4, "no application\n  named"),
        (lambda report: report.report(1, "x" * 200_000), 1, "x" * 200_000),
        (lambda report: os._exit(0), 1, "the daemon ended before it was up"),
        (
            lambda report: os.kill(os.getpid(), signal.SIGKILL),
            1,
            "the daemon ended before it was up",
        ),
    ],
    ids=["refused", "long", "exits", "killed"],
)
def test_the_caller_exits_as_it_would_have_in_the_foreground(tmp_path, daemon, code, printed):
    assert start(daemon, tmp_path) == (code, f"hookserve: {printed}\n")
