"""The lines of a head: their ends, obsolete folding, and the values that the server reads."""

from __future__ import annotations

from hookserve_http import grammar
from hookserve_http.errors import BadRequest, ExpectationFailed


def has_bare_end(data: bytes | bytearray, start: int) -> bool:
    """Whether a CR or LF is not half of a CRLF; a CR that comes last is not counted."""
    # RFC 9112, 2.2: lines end with CRLF.  Counting takes a tenth of a regular expression's time.
    if data[start] == 10:
        start += 1
    ends = data.count(b"\r\n", start)
    return (
        data.count(b"\n", start) != ends or data.count(b"\r", start) - data.endswith(b"\r") != ends
    )


def unfold(lines: list[bytes]) -> list[bytes]:
    """The lines with each continuation at the end of the line that it continues."""
    # RFC 9112, 5.2: a recipient that accepts obs-fold replaces it with spaces.
    unfolded: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and unfolded and unfolded[-1]:
            unfolded[-1] += b" " + line.strip(b" \t")
        else:
            unfolded.append(line)
    return unfolded


def validate(key: str, value: str) -> None:
    """Check the value of a field that the server itself reads; raises BadRequest."""
    if key == "HTTP_HOST" and not grammar.HOST.fullmatch(value):
        raise BadRequest("invalid Host")
    if key == "CONTENT_LENGTH" and not grammar.DIGITS.fullmatch(value):
        raise BadRequest("invalid Content-Length")
    if key == "HTTP_EXPECT":
        # RFC 9110, 10.1.1: a list; 5.6.1.2: empty elements are ignored.
        expected = {each.strip(" \t").lower() for each in value.split(",")}
        if not expected <= {"100-continue", ""}:
            raise ExpectationFailed("unsupported expectation")
