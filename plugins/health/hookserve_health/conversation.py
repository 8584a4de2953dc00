"""One client of the plugin's own addresses: what has come, and what it is sent.

HTTP in the little that health checks need: GET and HEAD, one request, then the end (RFC 9112).
HAProxy's agent-check sends nothing that matters and reads one line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from hookserve_health.condition import Verdict

LONGEST_HEAD = 8192
"""Bytes of a request; a longer one is refused."""
_END = b"\r\n\r\n"


class Responder:
    """Answers requests for `questions`, by path."""

    def __init__(self, questions: Mapping[str, Callable[[], Verdict]]) -> None:
        self._questions = questions

    def __call__(self, received: bytes) -> bytes | None:
        """The response to what has come so far; `None`: there is more to come."""
        if _END not in received and len(received) < LONGEST_HEAD:
            return None
        method, _, rest = received.partition(b"\r\n")[0].partition(b" ")
        target, _, version = rest.partition(b" ")
        if _END not in received or not version.startswith(b"HTTP/1."):
            return _response(HTTPStatus.BAD_REQUEST, "bad request")
        if method not in (b"GET", b"HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, "GET or HEAD", "Allow: GET, HEAD\r\n")
        question = self._questions.get(target.partition(b"?")[0].decode("latin-1"))
        if question is None:
            known = ", ".join(self._questions)
            return _response(HTTPStatus.NOT_FOUND, f"there is {known}")
        status, text = status_of(question())
        response = _response(HTTPStatus(status), text)
        return response.partition(_END)[0] + _END if method == b"HEAD" else response


def status_of(verdict: Verdict) -> tuple[int, str]:
    """The status and the text by which a verdict is answered."""
    return (200 if verdict.holds else 503), verdict.reason


def _response(status: HTTPStatus, text: str, more: str = "") -> bytes:
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode() + body
