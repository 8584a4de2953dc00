"""The opening handshake of a websocket, as a server reads it (RFC 6455, 4.2)."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from hashlib import sha1
from typing import Any, NamedTuple

from hookserve_http.errors import BadRequest, UpgradeRequired
from hookserve_http.fields import split_list
from hookserve_http.grammar import TOKEN_TEXT

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_SIZE = 24
"""Characters of 16 bytes in base64."""


_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %s\r\n"
)
RESERVED = frozenset(
    {b"sec-websocket-accept", b"sec-websocket-extensions", b"sec-websocket-protocol"}
)
"""Fields of the response that are the server's alone."""


class Handshake(NamedTuple):
    """What a client has asked for."""

    accept: bytes
    """Sec-WebSocket-Accept of the response."""
    subprotocols: list[str]
    """Those that the client offers, the one that it prefers first."""
    extensions: str
    """The list that the client offers, not parsed yet."""

    def response(self, extensions: bytes, subprotocol: str) -> bytes:
        """The beginning of the response's head; without extensions and a subprotocol if empty."""
        head = _SWITCHING % self.accept
        if extensions:
            head += b"Sec-WebSocket-Extensions: %s\r\n" % extensions
        return head + (
            f"Sec-WebSocket-Protocol: {subprotocol}\r\n".encode() if subprotocol else b""
        )


def asks_for_websocket(environ: dict[str, Any]) -> bool:  # Any: PEP 3333
    """Whether a request that has an Upgrade field wants a websocket."""
    if environ["REQUEST_METHOD"] != "GET" or environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        return False
    return "websocket" in split_list(environ["HTTP_UPGRADE"].lower())


def read_handshake(environ: dict[str, Any]) -> Handshake:  # Any: PEP 3333
    """The handshake of a request that asks for a websocket; raises BadRequest."""
    if "upgrade" not in split_list(environ.get("HTTP_CONNECTION", "").lower()):
        raise BadRequest("a websocket handshake without Connection: Upgrade")
    version = environ.get("HTTP_SEC_WEBSOCKET_VERSION")
    if version is None:
        raise BadRequest("a websocket handshake without Sec-WebSocket-Version")
    if version != "13":
        raise UpgradeRequired(f"unknown version {version!r} of the websocket protocol")
    subprotocols = split_list(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
    if not all(map(TOKEN_TEXT.fullmatch, subprotocols)):
        raise BadRequest("invalid Sec-WebSocket-Protocol")
    key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
    extensions = environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS", "")
    return Handshake(_accept(key), subprotocols, extensions)


def _accept(key: str) -> bytes:
    try:
        is_valid = len(key) == _KEY_SIZE and len(b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        is_valid = False
    if not is_valid:
        raise BadRequest("missing or invalid Sec-WebSocket-Key")
    return b64encode(sha1(key.encode() + _GUID).digest())
