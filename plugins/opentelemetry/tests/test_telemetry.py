"""What a collector receives from real servers."""

import http.client
import signal
import socket
import time

import pytest
from support.collector import attributes

from hookserve.testing import serve, wait_until

pytestmark = pytest.mark.process

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MODELS = (
    "gevent",
    *(
        pytest.param(name, marks=pytest.mark.everywhere)
        for name in ("sync", "gthread", "epoll", "eventlet", "tornado", "asyncio")
    ),
)

WSGI = """
from opentelemetry import trace
tracer = trace.get_tracer("shop")
def application(environ, start_response):
    if environ["PATH_INFO"] == "/error":
        raise ValueError("a mistake")
    with tracer.start_as_current_span("query"):
        start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
ASGI = """
from opentelemetry import trace
tracer = trace.get_tracer("shop")
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError(scope["type"])
    with tracer.start_as_current_span("query"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
"""
OWN_PROVIDER = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def serving(tmp_path, url, text, *arguments, **options):
    (tmp_path / "shop.py").write_text(text)
    arguments = ("--otlp-endpoint", url, *arguments)
    return serve("shop:application", chdir=tmp_path, arguments=arguments, **options)


def get(server, path="/", **headers):
    connection = http.client.HTTPConnection(*server.address, timeout=20)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def span_named(collector, name):
    wait_until(lambda: any(each.name == name for each in collector.spans))
    return next(each for each in collector.spans if each.name == name)


@pytest.mark.parametrize(("worker", "text"), [("gevent", WSGI), ("asyncio", ASGI)])
def test_the_span_of_a_request_has_its_id(tmp_path, collector, worker, text):
    words = ("--request-id", "X-Request-ID")
    with serving(tmp_path, collector.url, text, *words, worker=worker) as server:
        assert get(server, **{"X-Request-ID": "a-1"}) == 200
        server.stop()

    span = span_named(collector, "GET")
    (found,) = [each for each in span.attributes if each.key == "http.request.header.x-request-id"]
    assert [each.string_value for each in found.value.array_value.values] == ["a-1"]


@pytest.mark.parametrize("worker", MODELS)
def test_a_request_is_a_span_with_the_parent_from_its_header(tmp_path, collector, worker):
    with serving(tmp_path, collector.url, WSGI, worker=worker) as server:
        assert get(server, "/a", traceparent=f"00-{TRACE}-{PARENT}-01") == 200
        server.signal(signal.SIGTERM)

        span = span_named(collector, "GET")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(span)["url.path"] == "/a"
    assert attributes(span)["http.response.status_code"] == 200
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 20e9
    child = span_named(collector, "query")
    assert child.parent_span_id == span.span_id
    assert collector.services == {"hookserve"}


def test_a_request_of_asgi_is_one_span(tmp_path, collector):
    with serving(tmp_path, collector.url, ASGI, worker="asyncio") as server:
        assert get(server, traceparent=f"00-{TRACE}-{PARENT}-01") == 200
        server.signal(signal.SIGTERM)
        span = span_named(collector, "GET")

        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
        assert span_named(collector, "query").parent_span_id == span.span_id
        assert "left out" not in server.log
    assert len(collector.spans) == 2


def test_a_request_that_the_server_refuses_is_a_span(tmp_path, collector):
    with serving(tmp_path, collector.url, WSGI, "--limit-request-line", "200") as server:
        assert get(server, "/" + "a" * 300) == 414
        server.signal(signal.SIGTERM)

        wait_until(lambda: collector.spans)
    (span,) = collector.spans
    assert attributes(span)["http.response.status_code"] == 414
    assert span.status.message


def test_an_application_with_a_provider_of_its_own_keeps_it(tmp_path, collector):
    with serving(tmp_path, collector.url, OWN_PROVIDER) as server:
        assert get(server) == 200
        assert "the application has a tracer provider of its own" in server.log
    assert not collector.spans


@pytest.mark.parametrize("flags", [(), ("--preload",)])
def test_metrics_come_while_no_request_does_and_survive_a_reload(tmp_path, collector, flags):
    arguments = ("--otlp-interval", "0.1", "--otlp-service-name", "shop", *flags)
    with serving(tmp_path, collector.url, WSGI, *arguments) as server:
        for path in ("/", "/", "/error"):
            get(server, path)

        def count():
            points = [each.histogram.data_points[0].count for each in durations()]
            return points[-1] if points else 0

        def durations():
            return collector.named("http.server.request.duration")

        wait_until(lambda: count() == 3)
        started = {each.histogram.data_points[0].start_time_unix_nano for each in durations()}
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: generation 2" in server.log)
        collector.metrics.clear()
        wait_until(lambda: durations())
        assert count() == 3
        (point,) = durations()[-1].histogram.data_points
        assert {point.start_time_unix_nano} == started
        assert len(collector.instances) == 1  # the one of the spans too
        assert len(point.explicit_bounds) == 14
        assert len(point.bucket_counts) == 15
        assert not point.HasField("max")
        (errors,) = collector.named("hookserve.requests.errors")[-1:]
        assert errors.sum.is_monotonic
        assert {attributes(e)["error.origin"]: e.as_int for e in errors.sum.data_points} == {
            "client": 0,
            "server": 1,
        }


def test_a_collector_that_is_missing_holds_up_neither_requests_nor_the_end(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with serving(tmp_path, f"http://127.0.0.1:{port}", WSGI) as server:
        assert get(server) == 200
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10
