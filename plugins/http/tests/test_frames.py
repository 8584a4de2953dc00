"""The frames of a websocket, without I/O."""

import pytest
from hookserve_http.errors import ApplicationError, BadRequest
from hookserve_http.frames import FrameCodec, agree
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
PING, CLOSE = Opcode.PING, Opcode.CLOSE


def frame(opcode, data=b"", fin=True, extensions=()):
    """A frame of a client's."""
    return Frame(opcode, data, fin).serialize(mask=True, extensions=extensions)


def codec_after(*data, limit=0, extensions=()):
    codec = FrameCodec(limit, extensions)
    for each in data:
        codec.feed(each)
    return codec


def test_messages_arrive_byte_by_byte():
    data = frame(TEXT, "hé".encode()) + frame(BINARY, b"\0\xff") + frame(TEXT, b"x" * 200)

    codec = codec_after(*(data[at : at + 1] for at in range(len(data))))

    assert codec.messages == ["hé", b"\0\xff", "x" * 200]


def test_a_message_of_fragments_with_a_ping_and_a_character_in_two():
    first, second = "é".encode()[:1], "é".encode()[1:]

    codec = codec_after(frame(TEXT, first, False) + frame(PING, b"p") + frame(CONT, second))

    assert codec.messages == ["é"]
    assert codec.data_to_send() == [b"\x8a\x01p"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xc3", False) + frame(CONT, b"\x28"), 1007),
        (frame(TEXT, b"\xc3", False) + frame(CONT, b""), 1007),
        (frame(CONT, b"x"), 1002),
        (frame(TEXT, b"x", False) + frame(TEXT, b"y"), 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x81\x01x", 1002),
        (frame(CLOSE, b"\x03\xec"), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126, 1002),
        (b"\x82\xff\x80" + bytes(6) + b"\x05" + bytes(4), 1009),
        (frame(CLOSE, b"\x03\xe8\xff"), 1007),
        (frame(BINARY, b"x" * 1001), 1009),
        (frame(BINARY, b"x" * 600, False) + frame(CONT, b"x" * 600), 1009),
    ],
    ids=[  # each run has masks of its own
        "invalid text",
        "invalid text in two fragments",
        "half a character",
        "a fragment of nothing",
        "a message within another",
        "a reserved bit",
        "an unknown opcode",
        "no mask",
        "a reserved close code",
        "half a close code",
        "a ping in fragments",
        "a long ping",
        "a length of 64 bits",
        "an invalid reason",
        "a large message",
        "a large message in fragments",
    ],
)
def test_a_client_that_breaks_the_protocol_gets_the_code_for_that(data, code):
    codec = codec_after(frame(TEXT, b"before") + data + frame(TEXT, b"after"), limit=1000)

    assert codec.messages == ["before"]
    assert codec.end[0] == code
    assert codec.end[2][2:4] == code.to_bytes(2, "big")


def test_text_that_is_invalid_is_refused_before_its_frame_is_complete():
    """RFC 6455, 8.1."""
    data = frame(TEXT, b"\xce\xba\xf4\x90\x80\x80" + b"x" * 100)

    codec = codec_after(data[:9])
    assert codec.end is None
    codec.feed(data[9:10])

    assert codec.end[0] == 1007


def test_a_ping_in_pieces_between_two_fragments_is_no_text():
    data = frame(TEXT, b"a", False) + frame(PING, b"\xff" * 9) + frame(CONT, b"b")

    codec = codec_after(*(data[at : at + 1] for at in range(len(data))))

    assert codec.messages == ["ab"]


def test_a_close_frame_is_returned_with_its_code_and_reason():
    codec = codec_after(frame(CLOSE, b"\x03\xe8bye"))

    assert codec.end == (1000, "bye", b"\x88\x05\x03\xe8bye")


def test_a_close_frame_without_a_code_is_1005():
    """RFC 6455, 7.1.5."""
    assert codec_after(frame(CLOSE) + frame(TEXT, b"x")).end == (1005, "", b"\x88\x00")


@pytest.mark.parametrize("code", [1000, 1014, 3000, 4999])
def test_codes_of_applications_are_passed_on(code):
    """RFC 6455, 7.4.2."""
    data = code.to_bytes(2, "big")

    assert codec_after(frame(CLOSE, data)).end == (code, "", b"\x88\x02" + data)
    assert FrameCodec(0, []).close(code, "") == b"\x88\x02" + data


def test_a_pong_that_was_not_asked_for_is_ignored():
    """RFC 6455, 5.5.3."""
    codec = codec_after(frame(Opcode.PONG, b"x") + frame(TEXT, b"y"))

    assert (codec.messages, codec.end, codec.data_to_send()) == (["y"], None, [])


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65535, b"\x82\x7e\xff\xff"),
        (65536, b"\x82\x7f\0\0\0\0\0\1\0\0"),
    ],
)
def test_lengths_are_written_in_as_few_bytes_as_they_need(size, head):
    """RFC 6455, 5.2."""
    assert FrameCodec(0, []).encode(bytes(size)) == head + bytes(size)


@pytest.mark.parametrize("head", [b"\x82\xfe\x00\x01", b"\x82\xff" + bytes(7) + b"\x01"])
def test_a_length_in_more_bytes_than_it_needs_is_accepted(head):
    assert codec_after(head + bytes(4) + b"x").messages == [b"x"]


def test_a_close_frame_between_fragments_is_in_order():
    """RFC 6455, 5.4."""
    assert codec_after(frame(TEXT, b"x", False) + frame(CLOSE, b"\x03\xe8")).end[0] == 1000


def test_messages_can_be_sent_until_the_close_frame_has_been_returned():
    codec = codec_after(frame(CLOSE, b"\x03\xe8"))

    assert codec.encode("hé") == b"\x81\x03h\xc3\xa9"
    assert codec.encode(b"x") == b"\x82\x01x"


def test_the_closing_handshake_from_this_side():
    codec = FrameCodec(0, [])

    assert codec.close(1001, "bye") == b"\x88\x05\x03\xe9bye"
    codec.feed(frame(CLOSE, b"\x03\xe9bye"))

    assert codec.end == (1001, "bye", b"")


@pytest.mark.parametrize(
    ("code", "reason"), [(1005, ""), (1006, ""), (1015, ""), (99, ""), (1000, "x" * 124)]
)
def test_a_close_frame_that_cannot_be_is_a_fault_of_the_application(code, reason):
    with pytest.raises(ApplicationError, match="cannot close"):
        FrameCodec(0, []).close(code, reason)


def test_deflate_is_agreed_to_and_has_no_memory_before_its_first_message():
    response, extensions = agree("unknown, permessage-deflate; client_max_window_bits")
    client = PerMessageDeflate(False, False, 12, 12)
    codec = FrameCodec(0, extensions)

    assert response.startswith(b"permessage-deflate; ")
    assert not {"encoder", "decoder"} & set(vars(extensions[0]))
    codec.feed(frame(TEXT, b"x" * 500, extensions=[client]))
    assert codec.messages == ["x" * 500]
    assert len(codec.encode("y" * 500)) < 50


def test_a_message_that_inflates_beyond_the_limit_is_refused():
    client = PerMessageDeflate(False, False, 12, 12)
    _, extensions = agree("permessage-deflate; client_max_window_bits")

    bomb = frame(BINARY, bytes(1_000_000), extensions=[client])
    codec = codec_after(bomb, limit=100_000, extensions=extensions)

    assert len(bomb) < 2000
    assert codec.end[0] == 1009


@pytest.mark.parametrize(
    "data",
    [
        b"\xc1\x83\0\0\0\0\xff\xff\xff",
        b"\xc9\x80\0\0\0\0",
        b"\x01\x81\0\0\0\0x\xc0\x81\0\0\0\0x",
    ],
    ids=["what cannot be inflated", "a ping", "a later fragment"],
)
def test_a_compressed_frame_that_cannot_be_fails_the_connection(data):
    """RFC 7692, 6 and 6.2."""
    _, extensions = agree("permessage-deflate; client_max_window_bits")

    codec = codec_after(data, extensions=extensions)

    assert codec.messages == []
    assert codec.end[0] == 1002


def test_messages_with_and_without_compression_come_in_fragments_too():
    """RFC 7692, 6."""
    client = PerMessageDeflate(False, False, 12, 12)
    _, extensions = agree("permessage-deflate; client_max_window_bits")

    codec = codec_after(
        frame(TEXT, b"x" * 300, False, [client]),
        frame(PING, b"p"),
        frame(CONT, b"y", extensions=[client]),
        frame(TEXT, b"plain"),
        extensions=extensions,
    )

    assert codec.messages == ["x" * 300 + "y", "plain"]
    assert codec.data_to_send() == [b"\x8a\x01p"]


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("", "server_max_window_bits=12"),
        ("server_max_window_bits=9", "server_max_window_bits=9"),
        ("server_max_window_bits=15", "server_max_window_bits=12"),
        ("client_max_window_bits", "server_max_window_bits=12; client_max_window_bits=12"),
        ("client_max_window_bits=10", "server_max_window_bits=12; client_max_window_bits=10"),
        (
            "server_no_context_takeover; client_no_context_takeover",
            "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
        ),
    ],
)
def test_what_the_client_asks_for_is_agreed_to(asked, agreed):
    """RFC 7692, 7.1."""
    offer = "; ".join(filter(None, ("permessage-deflate", asked)))

    response, (extension,) = agree(offer)
    codec = FrameCodec(0, [extension])
    first, second = codec.encode("y" * 500), codec.encode("y" * 500)

    assert response.decode() == f"permessage-deflate; {agreed}"
    assert (first == second) == ("server_no_context_takeover" in asked)


def test_the_first_offer_that_can_be_agreed_to_is_taken():
    """RFC 7692, 5."""
    response, _ = agree("permessage-deflate; x, permessage-deflate; server_max_window_bits=10")

    assert response == b"permessage-deflate; server_max_window_bits=10"


@pytest.mark.parametrize(
    "parameters",
    [
        "server_max_window_bits=8",
        "server_max_window_bits=16",
        "server_max_window_bits=09",
        "server_max_window_bits",
        "client_max_window_bits=7",
        "server_no_context_takeover=1",
        "server_no_context_takeover; server_no_context_takeover",
        "x",
    ],
)
def test_an_offer_that_is_invalid_is_declined(parameters):
    """RFC 7692, 5.1 and 7.1."""
    assert agree(f"permessage-deflate; {parameters}") == (b"", [])


@pytest.mark.parametrize("offers", ["", "other"])
def test_what_cannot_be_agreed_to_is_left_out(offers):
    assert agree(offers) == (b"", [])


def test_offers_that_cannot_be_read_are_refused():
    with pytest.raises(BadRequest, match="Extensions"):
        agree("permessage-deflate; =")
