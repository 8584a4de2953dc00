"""How a worker whose arbiter is gone ends itself, in a forked child."""

import atexit
import logging
import os
import re
import signal

import pytest
from support.workers import IdleWorker, make_context

from hookserve.testing import wait_until
from hookserve.worker import orphan
from hookserve.worker.process import WorkerProcess
from hookserve.worker.scoreboard import READY

pytestmark = pytest.mark.process


class Hanging(IdleWorker):
    """Has a request that does not end, in a loop that does not return."""

    def run(self):
        self.begin(b"GET /hang", b"id-1")
        while True:
            pass


class Stuck(Hanging):
    """As that, and no signal in Python ends it."""

    def run(self):
        signal.signal(signal.SIGABRT, signal.SIG_IGN)
        super().run()


class Late(Hanging):
    """Its drain returns in time, and the request has not ended."""

    def run(self):
        self.begin(b"GET /hang", b"id-1")
        IdleWorker.run(self)


def run(worker_class, tmp_path, monkeypatch):
    """The exit code of such a worker whose arbiter has ended, and its log."""
    monkeypatch.setattr(orphan, "_GRACE", 0.05)
    context, channel = make_context(
        logging.getLogger("orphan"), quick_timeout=0.1, abort_timeout=0.3
    )
    path = tmp_path / "log"
    pid = os.fork()
    if pid == 0:
        try:
            atexit._clear()
            channel.close()
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
            logging.basicConfig(filename=path, level=logging.INFO, force=True)
            process = WorkerProcess(worker_class(context))
            process.install_signals()
            process.run_to_end()
        finally:
            os._exit(99)
    context.channel.close()
    wait_until(lambda: context.slot.state == READY and context.slot.in_flight())
    channel.close()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, re.sub(r" \([\d.]+ s\)", "", path.read_text()).replace(f"pid {pid}", "pid 1")


def test_a_worker_that_does_not_stop_names_its_requests_and_is_aborted(tmp_path, monkeypatch):
    code, log = run(Hanging, tmp_path, monkeypatch)

    assert code == 1
    reported = f"its arbiter (pid {os.getpid()}) is gone, and it has not stopped"
    requests = "in flight: GET /hang [id-1]"
    assert f"worker 0 (pid 1), of the test, timed out: {reported}; {requests}\n" in log
    assert log.count("GET /hang") == 1


def test_a_worker_that_abort_does_not_end_is_ended_with_its_stacks(tmp_path, monkeypatch):
    code, log = run(Stuck, tmp_path, monkeypatch)

    assert code == 1
    assert "timed out" in log
    assert re.search(r"Timeout .*Thread .*test_orphan\.py", log, re.DOTALL)


def test_a_worker_that_stops_in_time_names_what_it_has_cut(tmp_path, monkeypatch):
    code, log = run(Late, tmp_path, monkeypatch)

    assert code == 0
    assert "lost with worker 0 (pid 1): GET /hang [id-1]\n" in log
    assert "timed out" not in log
