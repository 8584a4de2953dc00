"""The chunk decoder: a body's bytes, and what follows it.

* It raises nothing but `BadRequest`.
* Body, rest, end and refusal do not depend on how the bytes were split.
* It holds a line at most, and answers no more body than there was input or than it may.
"""

from hookserve_http.errors import BadRequest
from hookserve_http.framing import ChunkedDecoder

from tests.fuzz import seeds as corpus
from tests.fuzz.pieces import cut, swell

LIMIT = 100_000
LONGEST_LINE = 16384
SWOLLEN = 2 * LONGEST_LINE
CONTROL = 4
"""Three sizes of pieces, and how many of the last bytes are repeated (from 240 on)."""


def seeds():
    """The corpus's bodies, split one way or another; and some that are long."""
    for body in corpus.chunked_bodies():
        yield bytes([1, 2, 3, 0]) + body
        yield bytes([0, 0, 0, 0]) + body
    for start in (b"5;a=b", b"5\r\nabcde\r\n0\r\nA: b", b"1000\r\na", b"5\r\nabcde\r\n"):
        yield bytes([0, 200, 255, 241]) + start
    # As long as a size line may be, and the border of pieces in its CRLF.
    yield bytes([241, 241, 241, 0]) + b"5;" + b"a" * 4094 + b"\r\nabcde\r\n0\r\n\r\n"


def check(data):
    """The whole, in pieces, and byte by byte."""
    control, wire = data[:CONTROL].ljust(CONTROL, b"\0"), data[CONTROL:]
    if control[3] >= 240:
        wire = swell(wire, control[3] - 239, SWOLLEN)
    expected = decode([wire])
    assert decode(cut(wire, control[:3])) == expected, "the outcome depends on the split"
    if len(wire) <= 8192:
        assert decode(cut(wire, b"\1")) == expected, "the outcome differs byte by byte"
    refused, body, rest, is_done = expected
    if refused is None:
        assert len(body) <= LIMIT, "the body is longer than it may be"
        assert len(body) + len(rest) <= len(wire), "there is more output than input"
        assert is_done or not rest, "something follows a body without an end"


def decode(pieces):
    """The refusal or None; then body, rest and whether the end was seen."""
    decoder = ChunkedDecoder(LIMIT)
    body, rest = [], []
    for piece in pieces:
        if decoder.is_done:
            rest.append(piece)
            continue
        try:
            found, after = decoder.take(piece)
        except BadRequest as error:
            return type(error), b"", b"", False
        body.append(found)
        rest.append(after)
        assert len(decoder._buffer) <= LONGEST_LINE + 1, "the decoder holds more than a line"
    return None, b"".join(body), b"".join(rest), decoder.is_done
