"""The auxiliary process that sends the metrics."""

import logging
import os
import signal
import threading

import pytest
from hookserve_opentelemetry.exporting import MetricsSource, export_metrics, make_sender
from opentelemetry.sdk.resources import Resource

from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import Scoreboard
from hookserve.worker.termination import Termination

pytestmark = pytest.mark.process
LOG = logging.getLogger("of.a.test")


@pytest.fixture
def source():
    return MetricsSource(Reader([Scoreboard(1, 1)]), [], Resource.create({}))


def test_what_is_read_arrives(collector, source):
    make_sender(collector.url, LOG)(source.read())

    (wanted,) = collector.named("hookserve.workers.wanted")
    assert wanted.gauge.data_points[0].as_int == 0


def test_they_are_sent_once_more_at_the_end(collector, source):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # in the child from its beginning
    termination = Termination(Reader([Scoreboard(1, 1)]).read, -1)  # a reload follows
    pid = os.fork()
    if pid == 0:
        try:
            export_metrics(source, make_sender(collector.url, LOG), 60.0, termination)
        finally:
            os._exit(0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)

    assert status == 0
    assert collector.named("hookserve.uptime")


class Stopping:
    """In the place of a termination: TERM has come, and the workers end at the given look."""

    pause = 0.0

    def __init__(self, looks):
        self._looks = looks

    def on_sigterm(self):
        pass

    def is_over(self):
        self._looks -= 1
        return self._looks < 0

    def exit(self):
        pass


@pytest.fixture
def send_sigterm():
    """Sends TERM to this thread, which does not take it before it asks for it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    yield lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    signal.sigtimedwait([signal.SIGTERM], 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


@pytest.mark.parametrize(("is_taken", "exports"), [(True, 2), (False, 1)])
def test_a_collector_that_takes_nothing_at_a_stop_is_not_asked_again(
    source, send_sigterm, is_taken, exports
):
    sent = []

    def send(data):
        sent.append(data)
        return is_taken

    send_sigterm()
    export_metrics(source, send, 60.0, Stopping(looks=3))

    assert len(sent) == exports


def test_a_collector_that_took_nothing_before_the_stop_is_asked_at_the_end(source, send_sigterm):
    sent = []

    def send(data):
        sent.append(data)
        send_sigterm()
        return False

    export_metrics(source, send, 0.0, Stopping(looks=3))

    assert len(sent) == 2
