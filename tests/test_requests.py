"""What is known of one request."""

import pytest

from hookserve import AccessRecord, RequestInFlight
from hookserve.requests import REQUEST_ID, list_requests


def test_an_access_record_says_what_it_is_of():
    record = AccessRecord({"RAW_URI": "/x?y"}, 200, [], 5, 70.0, 70.25)

    assert record.elapsed == 0.25
    assert repr(record) == "<AccessRecord '/x?y' 200 5 bytes 0.250000 s>"


def test_an_access_record_has_fields_of_its_own():
    fields = {"address": "203.0.113.9", "method": "GET", "target": "key", "protocol": "RESP2"}
    environ = {"REMOTE_ADDR": "::1", "REQUEST_METHOD": "PUT", "RAW_URI": "/x"}

    for record, expected in (
        (AccessRecord(None, 0, [], 0, 1.0, 1.0, **fields), fields),
        (
            AccessRecord(environ, 200, [], 5, 1.0, 1.0),
            {"address": "::1", "method": "PUT", "target": "/x", "protocol": ""},
        ),
    ):
        assert {name: getattr(record, name) for name in fields} == expected


def test_a_record_of_what_was_refused_shows_the_line_as_it_came():
    record = AccessRecord({}, 400, [], 0, 70.0, 70.0, "no request", "NONSENSE")

    assert "'NONSENSE' 400" in repr(record)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("GET /a?b=1", "GET /a?b=1"),
        ("GET /a];GET,/b(9.0", "GET /a%5D%3BGET%2C/b%289.0"),
        ("GET /]; none of it (9.0 s)", "GET /%5D%3B%20none%20of%20it%20%289.0%20s%29"),
        ("];()", "%5D%3B%28%29"),
        ("", ""),
    ],
)
def test_the_target_of_a_request_ends_where_it_seems_to(label, shown):
    assert str(RequestInFlight(label, 1.5, "a-1")) == f"{shown} [a-1] (1.5 s)"


def test_the_name_of_a_request_ends_where_it_seems_to():
    request = RequestInFlight("GET /", 1.5, "a-1]; none of it (")

    assert str(request) == "GET / [a-1???none?of?it??] (1.5 s)"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, ""),
        (2, "GET /0 [a] (1.0 s), GET /1 [a] (1.0 s)"),
        (5, ", ".join(f"GET /{number} [a] (1.0 s)" for number in range(5))),
        (9, ", ".join(f"GET /{number} [a] (1.0 s)" for number in range(5)) + " and 4 more"),
    ],
)
def test_a_report_names_five_requests_and_counts_the_others(count, shown):
    requests = [RequestInFlight(f"GET /{number}", 1.0, "a") for number in range(count)]

    assert list_requests(requests) == shown


def test_a_record_has_the_id_of_its_request_where_there_is_one():
    assert AccessRecord({REQUEST_ID: "a-1"}, 200, [], 5, 1.0, 2.0).request_id == "a-1"
    assert AccessRecord({}, 200, [], 5, 1.0, 2.0).request_id == ""
