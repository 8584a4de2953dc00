"""What the log says of sendings."""

import json
import logging
import socket
import urllib.request

import pytest
from hookserve_opentelemetry.sendings import SendingLog
from opentelemetry.sdk.metrics.export import MetricExportResult

from hookserve.testing import serve, wait_until

OF_ATTEMPTS = logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter")
LOG = logging.getLogger("of.sendings")


@pytest.fixture
def sendings():
    made = SendingLog(LOG, "metrics", "http://a:4318")
    yield made
    logging.getLogger("opentelemetry").removeHandler(made)


def test_a_failure_is_logged_once_with_its_reason_and_so_is_its_end(sendings, caplog):
    def export(succeeds):
        if not succeeds:
            OF_ATTEMPTS.error("connection refused")
        return MetricExportResult.SUCCESS if succeeds else MetricExportResult.FAILURE

    caplog.set_level(logging.INFO, LOG.name)
    watched = sendings.watch(export)
    for succeeds in (True, False, False, True, True):
        watched(succeeds)

    assert [each.getMessage() for each in caplog.records if each.name == LOG.name] == [
        "opentelemetry: the metrics do not reach http://a:4318 (connection refused)",
        "opentelemetry: the metrics reach http://a:4318 again",
    ]


def test_what_else_the_package_says_is_in_the_log(sendings, caplog):
    logging.getLogger("opentelemetry.sdk.trace").warning("the queue is %s", "full")

    (found,) = [each for each in caplog.records if each.name == LOG.name]
    assert found.getMessage() == "opentelemetry: the queue is full"
    assert found.levelno == logging.WARNING


@pytest.mark.process
def test_without_a_collector_each_line_has_the_form_of_the_log():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings = {
            "otlp_endpoint": f"http://127.0.0.1:{closed.getsockname()[1]}",
            "otlp_interval": 0.1,
            "error_log_format": "json",
        }
        with serve("examples.hello:application", settings=settings) as server:
            urllib.request.urlopen(server.url, timeout=20).close()
            wait_until(lambda: server.log.count("the metrics do not reach"))
            server.stop()
            lines = [json.loads(line)["message"] for line in server.log.splitlines()]

    assert len([line for line in lines if "the metrics do not reach" in line]) == 1
    assert len([line for line in lines if "the spans do not reach" in line]) == 1
