"""The clients: plain sockets, so that they cost as little as may be beside the server."""

import json
import select
import socket
import time
import zlib

from tests.loads.application import BLOCK

TIMEOUT = 60.0
REQUEST = b"GET %s HTTP/1.1\r\nHost: load\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: load\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n%s\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
"""As browsers offer it."""
TEXT_FRAME = b"\x81\x82\0\0\0\0hi"
"""A text of two bytes, with a mask of zeros (RFC 6455, 5.2)."""


def connect(address, receive_buffer=0):
    """A connection."""
    made = socket.socket()
    made.settimeout(TIMEOUT)
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.connect(address)
    return made


def ask(address, path):
    """The body of a response."""
    with connect(address) as client, client.makefile("rb") as file:
        client.sendall(REQUEST % path)
        return file.read(read_head(file))


def read_head(file):
    """The length of a body, after its head is read."""
    status, length = file.readline(), 0
    assert status.startswith(b"HTTP/1.1 200 "), status
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.lower().partition(b":")
        if name == b"content-length":
            length = int(value)
    return length


def at_once(address, path, count):
    """Seconds until so many requests, each on a fresh connection, have had their responses."""
    began = time.monotonic()
    clients, poller = {}, select.epoll()
    for _ in range(count):
        client = connect(address)
        client.sendall(REQUEST % path)
        poller.register(client, select.EPOLLIN)
        clients[client.fileno()] = client
    while clients:
        events = poller.poll(TIMEOUT)
        assert events, f"{len(clients)} of {count} have no response"
        for fd, _ in events:
            with clients.pop(fd) as client:
                data = client.recv(4096)
                assert data.startswith(b"HTTP/1.1 200 "), data
    return time.monotonic() - began


def open_websocket(address, fields=b"", talks=False):
    """A websocket, which has had a message back if it `talks`."""
    client = connect(address)
    client.sendall(HANDSHAKE % fields)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    assert (b"permessage-deflate" in head) == bool(fields), head
    if talks:
        client.sendall(TEXT_FRAME)
        assert client.recv(100)
    return client


class Reader:
    """A client that reads a large response when it is asked to; a context manager."""

    def __init__(self, address, blocks):
        self._client = connect(address, receive_buffer=65536)
        self._client.sendall(REQUEST % (b"/stream?%d" % blocks))
        self._file = self._client.makefile("rb", buffering=0)
        self._size = read_head(self._file)
        assert self._size == blocks * len(BLOCK)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._client.close()

    def read_all(self):
        """Read to the end; raises AssertionError when a byte is missing or wrong."""
        left, found, expected = self._size, 0, 0
        buffer = memoryview(bytearray(len(BLOCK)))
        while left:
            filled = 0
            while filled < len(BLOCK):
                size = self._client.recv_into(buffer[filled:])
                assert size, f"{left - filled} bytes are missing"
                filled += size
            found, expected = zlib.crc32(buffer, found), zlib.crc32(BLOCK, expected)
            left -= filled
        assert found == expected, "the bytes are not those that were sent"


def endings(address):
    """How the large responses of the application ended."""
    return json.loads(ask(address, b"/endings"))
