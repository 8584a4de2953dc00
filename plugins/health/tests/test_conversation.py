"""What checks are answered."""

import pytest
from hookserve_health.condition import Verdict
from hookserve_health.conversation import LONGEST_HEAD, Responder

HOLDS = {"/-/ready": lambda: Verdict(True, "ready"), "/-/live": lambda: Verdict(False, "stuck")}
respond = Responder(HOLDS)


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [
        (b"GET /-/ready HTTP/1.1", b"200 OK", b"ready\n"),
        (b"GET /-/ready HTTP/1.0", b"200 OK", b"ready\n"),
        (b"GET /-/ready?verbose=1 HTTP/1.1", b"200 OK", b"ready\n"),
        (b"GET /-/live HTTP/1.1", b"503 Service Unavailable", b"stuck\n"),
        (b"HEAD /-/ready HTTP/1.1", b"200 OK", b""),
        (b"GET /else HTTP/1.1", b"404 Not Found", b"there is /-/ready, /-/live\n"),
        (b"POST /-/ready HTTP/1.1", b"405 Method Not Allowed", b"GET or HEAD\n"),
        (b"nonsense", b"400 Bad Request", b"bad request\n"),
        (b"\x16\x03\x01\x02", b"400 Bad Request", b"bad request\n"),
    ],
)
def test_a_check_is_answered_by_status_and_a_word(request_line, status, body):
    response = respond(request_line + b"\r\nHost: h\r\n\r\n")

    head, _, found = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert b"\r\nConnection: close" in head
    assert found == body


def test_a_part_of_a_head_is_waited_for_up_to_a_limit():
    assert respond(b"") is None
    assert respond(b"GET /-/ready HTTP/1.1\r\n") is None
    assert respond(b"x" * (LONGEST_HEAD - 1)) is None
    assert respond(b"x" * LONGEST_HEAD).startswith(b"HTTP/1.1 400 ")
