"""What is cached of responses, and that it makes no difference."""

import time

import pytest
from hookserve_http.errors import ApplicationError
from hookserve_http.response import HeadWriter

PLAIN = ("Content-Type", "text/plain")
LENGTH = ("Content-Length", "2")


def cached(writer):
    return len(writer._head_cache)


def test_the_same_headers_are_the_same_bytes_every_time():
    writer = HeadWriter(time.time, time.gmtime)
    expected = (200, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n", 2, 0)

    for headers in ([PLAIN, LENGTH], (PLAIN, LENGTH), [list(PLAIN), LENGTH]):
        for _ in range(3):
            assert writer.encode("200 OK", headers) == expected
    assert writer.encode("200 OK", iter([PLAIN, LENGTH])) == expected
    assert writer.encode("404 OK", [PLAIN, LENGTH])[0] == 404
    assert writer.encode("200 OK", [LENGTH, PLAIN])[1].endswith(b"plain\r\n")
    assert cached(writer) == 2


class Marked(str):
    """As templates make them (markupsafe, django.utils.safestring)."""

    def __str__(self):
        return "something\r\nelse"

    __format__ = None


def test_subclasses_of_str_are_taken_for_what_they_hold():
    writer = HeadWriter(time.time, time.gmtime)

    code, start, length, _ = writer.encode(
        Marked("200 OK"), [(Marked("X-A"), Marked("a")), (Marked("Content-Length"), Marked("3"))]
    )

    assert (code, length) == (200, 3)
    assert start == b"HTTP/1.1 200 OK\r\nX-A: a\r\nContent-Length: 3\r\n"
    with pytest.raises(ApplicationError):
        writer.encode("200 OK", [("X-A", Marked("a\r\nX-B: b"))])


@pytest.mark.parametrize(
    ("status", "sent"), [("204 No Content", 0), ("205 Reset", 0), ("304 Not Modified", 1)]
)
def test_a_status_without_body_declares_no_length(status, sent):
    writer = HeadWriter(time.time, time.gmtime)

    for _ in range(3):
        _, start, length, _ = writer.encode(status, [LENGTH])

        assert (start.count(b"Content-Length"), length) == (sent, -1)


def test_two_lengths_are_refused_every_time():
    writer = HeadWriter(time.time, time.gmtime)

    for _ in range(3):
        with pytest.raises(ApplicationError):
            writer.encode("200 OK", [LENGTH, LENGTH])


def test_values_that_are_new_each_time_are_not_cached():
    writer = HeadWriter(time.time, time.gmtime)
    cookie = ("Set-Cookie", "session=secret")

    for number in range(3000):
        writer.encode("200 OK", [PLAIN, cookie])
        writer.encode("200 OK", [PLAIN, ("ETag", str(number))])
        writer.encode("200 OK", [("X-Large", "x" * 2000)])

    assert cached(writer) == 0
    assert len(writer._line_cache) <= 1024


def test_the_memory_is_bounded():
    writer = HeadWriter(time.time, time.gmtime)

    for number in range(3000):
        for _ in range(3):
            writer.encode(f"200 {number}", [("X-A", str(number))])

    assert 0 < cached(writer) <= 64
    assert len(writer._status_cache) <= 1024


def test_the_date_is_of_this_second_whichever_way_the_clock_goes():
    now = [0.0]
    writer = HeadWriter(lambda: now[0], time.gmtime)
    expected = {0.0: b"00:00:00", 0.9: b"00:00:00", 1.0: b"00:00:01", 7261.5: b"02:01:01"}

    for moment in (0.0, 0.9, 1.0, 7261.5, 1.0, 0.9, 7261.5):
        now[0] = moment

        assert expected[moment] in writer.date()
