"""The whole connection: any bytes, in any pieces, buffered and not.

* Nothing is raised.
* What the application saw, what was sent and the final state do not depend on the split, nor on
  what the worker has parsed before.  A connection may end where a body in chunks is not read.
* There is no response after a refusal, nor after the end; slow clients get 408.
* What is held stays within the limits (`tests.fuzz.conversation.weigh`).
* Both modes of the seam answer the same; what both complete, they understand alike.
"""

from hookserve_http.fields import END

from hookserve.protocol.seam import CLOSING, READING_BODY
from tests.fuzz import seeds as corpus
from tests.fuzz.conversation import Application, converse, make_protocol
from tests.fuzz.pieces import cut, swell

CONTROL = 6
"""How the application reads and how the connection ends; how many times 128 of the last bytes are
repeated (from 240 on); four sizes of pieces."""
SWOLLEN = 120_000
LEAST_OF_SWOLLEN = 64
MOST_BYTE_BY_BYTE = 1024
AWAITED = 10


def read_all(environ):
    """All at once."""
    return environ["wsgi.input"].read()


def read_lines(environ):
    """Line by line."""
    return b"".join(environ["wsgi.input"])


def read_pieces(environ):
    """Seven bytes at a time."""
    return b"".join(iter(lambda: environ["wsgi.input"].read(7), b""))


def read_parts_of_lines(environ):
    """Lines, of at most five bytes each."""
    return b"".join(iter(lambda: environ["wsgi.input"].readline(5), b""))


def read_little(environ):
    """Three bytes; all, when the client waits to be asked."""
    return environ["wsgi.input"].read(-1 if "HTTP_EXPECT" in environ else 3)


def read_nothing(environ):
    """Nothing; all, when the client waits to be asked."""
    return read_all(environ) if "HTTP_EXPECT" in environ else b""


WHOLE = (read_all, read_lines, read_pieces, read_parts_of_lines)
PARTIAL = (read_little, read_nothing)
READERS = WHOLE + PARTIAL
WARM = tuple(make_protocol(None, buffered) for buffered in (False, True))


def seeds():
    """The corpus, in pieces; two requests after each other; and heads and bodies without end."""
    for number, data in enumerate(corpus.requests()):
        yield bytes([number % 16, 0, number % 256, 1, 7, 40]) + data
    for number, data in enumerate(corpus.requests("valid")):
        yield bytes([number % 16, 0, 0, 0, 0, 0]) + data + data
    start, chunks = b"POST / HTTP/1.1\r\nHost: a\r\n", b"Transfer-Encoding: chunked\r\n\r\n1"
    length = b"Content-Length: 190000\r\n\r\nabc"
    for rest in (b"A: b", length, chunks, chunks + b"\r\na\r\n"):
        yield bytes([0, 240, 255, 0, 255, 0]) + start + rest
        yield bytes([8, 240, 0, 0, 0, 0]) + start + rest
    # As many fields as there may be, and so long that together they are more than a head may have.
    field = b"A: " + b"b" * 1531 + b"\r\n"
    yield bytes([16, 239 + len(field) // 128, 0, 0, 0, 0]) + start + field
    yield bytes([16, 239 + len(field) // 128, 255, 255, 255, 255]) + start + field


def check(data):
    """The whole in both modes, then in pieces and byte by byte."""
    control, wire = data[:CONTROL].ljust(CONTROL, b"\0"), data[CONTROL:]
    expires = bool(control[0] & 8)
    read = READERS[(control[0] & 7) % len(READERS)]
    is_swollen = control[1] >= 240
    sizes = list(control[2:])
    if is_swollen:
        wire = swell(wire, (control[1] - 239) * 128, SWOLLEN)
        wire += END if control[0] & 16 else b""
        sizes = [size and max(size, LEAST_OF_SWOLLEN) for size in sizes]
    splits = [cut(wire, sizes)]
    if len(wire) <= MOST_BYTE_BY_BYTE:
        splits.append(cut(wire, b"\1"))
    whole = cut(wire, b"\0")
    streamed, buffered = (afresh(mode, whole, read_all, expires) for mode in (False, True))
    if not expires:
        assert streamed.statuses == buffered.statuses, "the modes answer differently"
    if is_complete(streamed) and buffered.state != READING_BODY:
        assert streamed == buffered, "the modes understand differently"
        # Some bytes of the body at least are there before it runs: how many depends on the split.
        app = Application(read_all)
        awaited = converse(make_protocol(app, False, awaited_body=AWAITED), splits[0], app, expires)
        assert awaited == streamed, "the modes understand differently"
    if read in PARTIAL and (is_swollen or not is_complete(streamed)):
        # How much of a broken body is seen by who does not read it may depend on the split.
        read = read_all
    for mode, expected in enumerate((streamed, buffered)):
        if read in PARTIAL:
            expected = afresh(mode, whole, read, expires)
        for pieces in splits:
            found = again(mode, pieces, read, expires)
            may_end = not mode and read in PARTIAL
            assert found == expected or (may_end and ends_earlier(found, expected)), (
                f"the outcome depends on the split: {found} {expected}"
            )


def ends_earlier(found, expected):
    """Whether the only difference is that a response says so and is the last one: the end of a
    body in chunks that is not read had not arrived."""
    count = len(found.environs)
    return (
        found.state == CLOSING
        and found.environs == expected.environs[:count]
        and found.bodies == expected.bodies[:count]
        and expected.sent.startswith(found.sent.replace(b"Connection: close\r\n", b""))
    )


def is_complete(outcome):
    """Whether everything that began was answered with 200."""
    return outcome.statuses == [200] * len(outcome.environs)


def afresh(mode, pieces, read, expires):
    """The outcome in a worker that has parsed nothing yet."""
    app = Application(read)
    return converse(make_protocol(app, bool(mode)), pieces, app, expires)


def again(mode, pieces, read, expires):
    """The outcome in a worker that has parsed everything before."""
    protocol, app = WARM[mode], Application(read)
    protocol.app = app
    # Or the fake's own list of all requests would be what grows without bounds.
    protocol.worker.ended.clear()
    protocol.worker.begun = 0
    return converse(protocol, pieces, app, expires)
