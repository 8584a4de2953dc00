"""wsgi.input, whatever the framing and however it arrives."""

import io
import sys
import time
import tracemalloc

import pytest
import support.corpus_driver as driver
from hookserve_http.body import CollectedInput, DrainedBody, EmptyInput, StreamInput
from hookserve_http.errors import BadRequest, BodyCutOff, BodyTooLarge, HeadTooLarge
from hookserve_http.framing import ChunkedDecoder, LengthDecoder
from hypothesis import given
from hypothesis import strategies as st

CONTENT = b"first\nsecond line\n\nlast without end"


def chunked(parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


def stream(wire, decoder, pieces=None):
    waiting = list(pieces if pieces is not None else [wire])

    def receive(size):
        if not waiting:
            return b""
        piece, rest = waiting[0][:size], waiting[0][size:]
        waiting[:1] = [rest] if rest else []
        return piece

    return StreamInput(decoder, b"", receive, None)


def inputs():
    one_by_one = [CONTENT[at : at + 1] for at in range(len(CONTENT))]
    wire = chunked([CONTENT[:7], CONTENT[7:]])
    yield stream(CONTENT, LengthDecoder(len(CONTENT)))
    yield stream(CONTENT, LengthDecoder(len(CONTENT)), one_by_one)
    yield stream(wire, ChunkedDecoder(0))
    yield stream(wire, ChunkedDecoder(0), [wire[at : at + 1] for at in range(len(wire))])


CALLS = [
    lambda body: body.read(),
    lambda body: body.read(-1),
    lambda body: body.read(None),
    lambda body: body.read(5),
    lambda body: (body.read(3), body.read(0), body.read(1000), body.read()),
    lambda body: body.readline(),
    lambda body: (body.readline(3), body.readline(3), body.readline(0)),
    lambda body: [body.readline() for _ in range(6)],
    lambda body: body.readlines(),
    lambda body: (body.readlines(8), body.read()),
    lambda body: list(body),
    lambda body: (body.readline(), body.read(4), body.readlines()),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_way_of_reading_is_a_files(call):
    for body in inputs():
        assert call(body) == call(io.BytesIO(CONTENT))


@pytest.mark.parametrize("call", CALLS)
def test_no_body_is_an_empty_file(call):
    assert call(EmptyInput()) == call(io.BytesIO(b""))


def test_a_body_that_is_cut_off_is_no_shorter_body():
    body = stream(b"", LengthDecoder(10), [b"12345"])

    with pytest.raises(BodyCutOff):
        body.read()
    with pytest.raises(BodyCutOff):
        body.read()


def test_what_follows_the_body_is_kept_apart():
    body = stream(b"", LengthDecoder(5), [b"12345GET / HTTP/1.1"])

    assert body.read() == b"12345"
    assert body.rest == b"GET / HTTP/1.1"


def test_a_broken_chunk_is_raised_where_it_is_read():
    body = stream(b"", ChunkedDecoder(0), [b"5\r\nhello\r\nnonsense\r\n"])

    with pytest.raises(BadRequest):
        body.read()


def test_a_drained_body_ends_where_it_was_declared_to_end():
    body = DrainedBody(LengthDecoder(100))

    assert (body.take(b"x" * 99), body.is_complete) == (b"", False)
    assert (body.take(b"xGET"), body.is_complete) == (b"GET", True)


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 20), max_size=30))
def test_chunks_make_the_same_body_whatever_the_split(parts, sizes):
    wire = chunked(parts)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(wire[at : at + size])
        at += size
    pieces.append(wire[at:])

    body = stream(wire, ChunkedDecoder(0), [piece for piece in pieces if piece])

    assert body.read() == b"".join(parts)
    assert body.can_drain()


@pytest.mark.parametrize("size", [1, 100])
def test_extensions_out_of_proportion_are_refused(size):
    """Each line is short enough, and a client could send them for ever."""
    chunk = b"%x;x=%s\r\n%s\r\n" % (size, b"y" * 1000, b"z" * size)

    ChunkedDecoder(0).take(chunk)
    with pytest.raises(HeadTooLarge):
        ChunkedDecoder(0).take(chunk * 100)


def test_extensions_in_proportion_are_ignored_however_many_there_are():
    signed = b"1000;chunk-signature=" + b"a" * 64 + b"\r\n" + b"z" * 4096 + b"\r\n"
    decoder = ChunkedDecoder(0)

    for _ in range(1000):
        assert decoder.take(signed) == (b"z" * 4096, b"")
    assert decoder.take(b"0;x=y\r\n\r\nrest") == (b"", b"rest")


@given(st.binary(max_size=400))
def test_random_bytes_are_a_body_or_a_refusal(data):
    decoder = ChunkedDecoder(0)

    try:
        body, rest = decoder.take(data)
    except Exception as error:
        assert isinstance(error, BadRequest)
    else:
        assert len(body) + len(rest) <= len(data)


@pytest.mark.parametrize("size", [0, 100, 1000, 100_000])
def test_a_collected_body_is_the_same_in_memory_and_in_a_file(tmp_path, size):
    content = b"x" * size
    body = CollectedInput(LengthDecoder(size), 500, lambda: (tmp_path / "spool").open("w+b"))
    for at in range(0, size, 77):
        body.take(content[at : at + 77])

    opened = body.open()

    assert opened.read() == content
    assert (tmp_path / "spool").exists() == (size > 500)
    body.close()


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
def test_trailers_never_become_fields(buffered):
    seen = []

    def app(environ, start_response):
        environ["wsgi.input"].read()
        seen.append(dict(environ))
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    protocol = driver.make_protocol(app, buffered)
    data = b"POST / HTTP/1.1\r\nHost: h\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"

    driver.converse(
        protocol, [data + b"1\r\na\r\n0\r\nX-Sum: 1\r\nX-Forwarded-Proto: https\r\n\r\n"]
    )
    driver.converse(protocol, [data + b"1\r\na\r\n0\r\n\r\n"])

    with_trailers, without = seen
    assert with_trailers.keys() == without.keys()
    assert "HTTP_X_SUM" not in with_trailers


def test_a_collected_body_takes_no_more_memory_in_small_pieces(tmp_path):
    wire = b"".join(b"2;%s\r\nab\r\n" % (b"x" * 1000) for _ in range(15)) + b"0\r\n\r\n"
    body = CollectedInput(ChunkedDecoder(0), 500, lambda: (tmp_path / "spool").open("w+b"))
    body.take(wire[:1])
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for at in range(1, len(wire)):
            body.take(wire[at : at + 1])
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert body.is_complete
    assert body.open().read() == b"ab" * 15
    assert grown < 2000


@pytest.mark.parametrize("size", [4095, 4096, 4097])
def test_a_size_line_is_as_long_wherever_it_is_split(size):
    line = b"0;" + b"a" * (size - 2)
    outcomes = set()
    for at in (size - 1, size, size + 1, size + 2):
        decoder = ChunkedDecoder(0)
        try:
            for piece in ((line + b"\r\n\r\n")[:at], (line + b"\r\n\r\n")[at:]):
                decoder.take(piece)
            outcomes.add(decoder.is_done)
        except BadRequest as error:
            outcomes.add(type(error))

    assert outcomes == {True if size <= 4096 else HeadTooLarge}


@pytest.mark.parametrize("bad", [b"\n", b"\rb"])
@pytest.mark.parametrize(("at", "error"), [(4000, BadRequest), (5000, HeadTooLarge)])
def test_of_two_faults_in_a_size_line_the_first_is_named_wherever_it_is_split(bad, at, error):
    wire = b"0;" + b"a" * at + bad + b"a" * 2000 + b"\r\n\r\n"

    for size in (1, 100, len(wire)):
        decoder = ChunkedDecoder(0)
        pieces = (wire[begin : begin + size] for begin in range(0, len(wire), size))
        with pytest.raises(BadRequest) as caught:
            list(map(decoder.take, pieces))
        assert caught.type is error


def test_tiny_chunks_cost_no_call_each():
    """A client that sends a byte a chunk must not hold up the others for longer than it sends."""
    calls = []
    decoder = ChunkedDecoder(0)
    data = b"1\r\nx\r\n" * 10000 + b"0\r\n\r\n"
    sys.setprofile(lambda frame, event, argument: event == "call" and calls.append(frame))
    try:
        body, rest = decoder.take(data)
    finally:
        sys.setprofile(None)

    assert (body, rest, decoder.is_done) == (b"x" * 10000, b"", True)
    assert len(calls) < 50


@pytest.mark.parametrize("limit", [29, 30])
def test_tiny_chunks_are_counted_like_others(limit):
    decoder = ChunkedDecoder(limit)
    data = b"1\r\nx\r\n" * 10 + b"00A\r\n0123456789\r\n" * 2 + b"0\r\n\r\nGET"
    if limit < 30:
        with pytest.raises(BodyTooLarge):
            decoder.take(data)
    else:
        assert decoder.take(data) == (b"x" * 10 + b"0123456789" * 2, b"GET")


@pytest.mark.parametrize("method", ["readline", "read"])
def test_short_parts_of_a_buffer_are_read_in_linear_time(method):
    """The rest of the buffer is not copied for each line."""

    def seconds(size):
        times = []
        for _ in range(3):
            body = StreamInput(LengthDecoder(0), b"", lambda _: b"", None, b"\n" * size)
            read = getattr(body, method)
            start = time.thread_time()
            while read(1):
                pass
            times.append(time.thread_time() - start)
        return min(times)

    assert seconds(400_000) < 3 * 8 * seconds(50_000)
