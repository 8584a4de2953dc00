"""The span of a request that the server refuses."""

import logging

from hookserve_opentelemetry.spans import SpanSender
from opentelemetry.sdk.resources import Resource
from support.collector import attributes

from hookserve.types import AccessRecord

LOG = logging.getLogger("of.a.test")


def test_it_has_its_id_where_requests_have_ids(collector):
    sender = SpanSender(collector.url, Resource.create({"service.name": "shop"}), LOG)
    environ = {"hookserve.request_id": "a-1"}
    record = AccessRecord(environ, 431, [], 0, 1.0, 1.0, "too long", "GET /a HTTP/1.1")

    sender.add_refused(record, "X-Request-ID")
    sender.close()

    (span,) = collector.spans
    (found,) = [each for each in span.attributes if each.key == "http.request.header.x-request-id"]
    assert [each.string_value for each in found.value.array_value.values] == ["a-1"]


def test_it_has_the_request_line_the_status_and_the_reason(collector):
    sender = SpanSender(collector.url, Resource.create({"service.name": "shop"}), LOG)
    environ = {"HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    record = AccessRecord(environ, 431, [], 0, 1.0, 1.0, "too long", "GET /a HTTP/1.1")

    sender.add_refused(record)
    sender.close()

    (span,) = collector.spans
    assert (span.name, span.status.message) == ("GET", "too long")
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes(span) == {
        "http.request.method": "GET",
        "url.path": "/a",
        "http.response.status_code": 431,
    }
