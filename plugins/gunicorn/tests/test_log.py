"""``server.log`` and ``worker.log`` of hooks."""

import logging

import pytest
from hookserve_gunicorn.objects.configuration import Config
from hookserve_gunicorn.objects.log import Log

from hookserve.testing.fakes import configure


class Recorder(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records, self.metrics = [], []

    def emit(self, record):
        self.records.append((record.levelname, record.getMessage()))

    def send_metric(self, *metric):
        self.metrics.append(metric)


@pytest.fixture
def made():
    logger = logging.Logger("test", logging.WARNING)
    recorder = Recorder()
    logger.addHandler(recorder)
    return Log(logger, Config(configure({}), None), list), recorder


def test_messages_are_logged_at_their_level(made):
    log, recorder = made

    log.info("one")
    log.warning("two %s", "words")
    log.log("error", "three")
    log.log(logging.CRITICAL, "four")

    assert recorder.records == [
        ("WARNING", "two words"),
        ("ERROR", "three"),
        ("CRITICAL", "four"),
    ]


def test_a_metric_is_sent_whatever_the_level(made):
    log, recorder = made

    log.info("", extra={"metric": "my.gauge", "value": 0, "mtype": "gauge"})
    log.debug("more", extra={"metric": "my.counter", "value": 1, "mtype": "counter"})
    log.info("", extra={"metric": "no.value", "mtype": "gauge"})

    assert recorder.metrics == [("my.gauge", 0, "gauge"), ("my.counter", 1, "counter")]
    assert recorder.records == []


def test_the_time_is_in_the_form_of_the_access_log(made):
    assert made[0].now().startswith("[")
    made[0].close_on_exec()
