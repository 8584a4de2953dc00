"""Records that plugins are handed."""

import pytest

from hookserve import AccessRecord, RequestInFlight


def test_an_access_record_says_what_it_is_of():
    record = AccessRecord({"RAW_URI": "/x?y"}, 200, [], 5, 70.0, 70.25)

    assert record.elapsed == 0.25
    assert repr(record) == "<AccessRecord '/x?y' 200 5 bytes 0.250000 s>"


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
