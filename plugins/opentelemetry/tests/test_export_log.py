"""What the server's log says of exports."""

import json
import logging
import socket
import urllib.request

import pytest
from hookserve_opentelemetry.export_log import ExportLog
from opentelemetry.sdk.metrics.export import MetricExportResult

from hookserve.testing import serve, wait_until

EXPORTER = logging.getLogger("opentelemetry.exporter.otlp.proto.http.metric_exporter")
LOG = logging.getLogger("of.exports")


@pytest.fixture
def export_log():
    made = ExportLog(LOG, "metrics", "http://a:4318")
    yield made
    logging.getLogger("opentelemetry").removeHandler(made)


def test_a_failure_is_logged_once_with_its_reason_and_so_is_its_end(export_log, caplog):
    def export(succeeds):
        if not succeeds:
            EXPORTER.error("connection refused")
        return MetricExportResult.SUCCESS if succeeds else MetricExportResult.FAILURE

    caplog.set_level(logging.INFO, LOG.name)
    watched = export_log.watch(export)
    for succeeds in (True, False, False, True, True):
        watched(succeeds)

    assert [each.getMessage() for each in caplog.records if each.name == LOG.name] == [
        "opentelemetry: the metrics do not reach http://a:4318 (connection refused)",
        "opentelemetry: the metrics reach http://a:4318 again",
    ]


def test_what_else_the_package_says_is_in_the_log(export_log, caplog):
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
