"""The auxiliary process that sends the metrics."""

import logging
import os
import signal

import pytest
from hookserve_opentelemetry.exporting import MetricsSource, export_metrics, make_sender
from opentelemetry.sdk.resources import Resource

from hookserve.worker.scoreboard import Scoreboard
from hookserve.worker.termination import Termination

pytestmark = pytest.mark.process
LOG = logging.getLogger("of.a.test")


@pytest.fixture
def source():
    return MetricsSource([Scoreboard(1, 1)], [], Resource.create({}))


def test_what_is_read_arrives(collector, source):
    make_sender(collector.url, LOG)(source.read())

    (wanted,) = collector.named("hookserve.workers.wanted")
    assert wanted.gauge.data_points[0].as_int == 0


def test_they_are_sent_once_more_at_the_end(collector, source):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # in the child from its beginning
    termination = Termination(source.reader.read, -1)  # a reload follows
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
