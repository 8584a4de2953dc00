"""The frames of a websocket after its handshake (RFC 6455, 5 to 8; RFC 7692), server side.

The core of the package `websockets` parses and checks them.  Here is what it leaves to others:
messages of fragments, and their text, of which no byte that is wrong is waited with until its
frame is complete.
"""

from __future__ import annotations

import zlib
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Generator, Sequence
from typing import Any

from websockets.exceptions import InvalidHeader, NegotiationError, ProtocolError
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Close, Frame, Opcode
from websockets.headers import build_extension, parse_extension
from websockets.protocol import Protocol, Side, State
from websockets.streams import StreamReader
from websockets.utils import apply_mask

from hookserve_http.errors import ApplicationError, BadRequest

_make_decoder = getincrementaldecoder("utf-8")
_DEFLATE = ServerPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)
"""What is agreed to: 32 KiB to compress and 11 KiB to decompress, where the client allows that."""
_COMPRESSED = 0x40


class LazyDeflate(PerMessageDeflate):
    """Has the memory of an agreement only from the first message of a direction on."""

    def __init__(self, agreed: PerMessageDeflate) -> None:
        windows = agreed.remote_max_window_bits, agreed.local_max_window_bits
        super().__init__(True, True, *windows, agreed.compress_settings)
        self.remote_no_context_takeover = agreed.remote_no_context_takeover
        self.local_no_context_takeover = agreed.local_no_context_takeover

    def __getattr__(self, name: str) -> Any:  # Any: zlib does not name its types
        if name == "decoder":
            self.decoder = zlib.decompressobj(wbits=-self.remote_max_window_bits)
            return self.decoder
        if name == "encoder":
            bits = -self.local_max_window_bits
            self.encoder = zlib.compressobj(wbits=bits, **self.compress_settings)
            return self.encoder
        raise AttributeError(name)


def agree(offers: str) -> tuple[bytes, list[PerMessageDeflate]]:
    """Sec-WebSocket-Extensions of the response, maybe empty, and the extensions; raises
    BadRequest."""
    try:
        found = parse_extension(offers) if offers else []
    except InvalidHeader as error:
        raise BadRequest(f"invalid Sec-WebSocket-Extensions: {error}") from None
    for name, parameters in found:
        if name == _DEFLATE.name:
            try:
                agreed, deflate = _DEFLATE.process_request_params(parameters, [])
            except (NegotiationError, ValueError):  # of zlib, for a window of 8 bits
                continue
            return build_extension([(name, agreed)]).encode(), [LazyDeflate(deflate)]
    return b"", []


class FrameCodec(Protocol):
    """One connection's frames; `max_size` is that of a message in bytes, 0: no limit.

    What it has to send by itself, which is pongs, is in `writes`.
    """

    def __init__(self, max_size: int, extensions: Sequence[PerMessageDeflate]) -> None:
        super().__init__(Side.SERVER, max_size=max_size or None)
        self.extensions = list(extensions)
        self.messages: list[str | bytes] = []
        """Those that are complete and were not taken yet."""
        self.end: tuple[int, str, bytes] | None = None
        """Code, reason, and the close frame that is to be sent, empty if one was; set when there
        are no more messages: the client has closed, or broken the protocol."""
        self.text: IncrementalDecoder | None = None
        """Checks the text of the message that has begun, if part of it has come."""
        self._data: bytearray | None = None
        self._is_text = False
        self.reader: _Reader = _Reader(self)
        self.parser = self.parse()
        next(self.parser)

    def feed(self, data: bytes) -> None:
        """Take bytes of the client's; see `messages`, `writes` and `end`."""
        if self.end is not None:
            return
        was_open = self.state is State.OPEN
        self.receive_data(data)
        if self.eof_sent:
            self.writes.pop()  # the end of input
            frame = self.writes.pop() if was_open else b""
            found = self.close_sent if self.parser_exc is not None else self.close_rcvd
            found = found or Close(1006, "")
            self.end = int(found.code), found.reason, frame

    def encode(self, message: str | bytes) -> bytes:
        """The frame of a message, though a close frame may have come."""
        if isinstance(message, str):
            frame = Frame(Opcode.TEXT, message.encode())
        else:
            frame = Frame(Opcode.BINARY, message)
        return frame.serialize(mask=False, extensions=self.extensions)

    def close(self, code: int, reason: str) -> bytes:
        """The close frame that begins the closing handshake; raises ApplicationError."""
        try:
            self.send_close(code, reason)
        except (ProtocolError, UnicodeEncodeError) as error:
            raise ApplicationError(f"cannot close a websocket with {code}: {error}") from None
        return self.writes.pop()

    def ping(self) -> bytes:
        """A ping frame."""
        return Frame(Opcode.PING, b"").serialize(mask=False)

    def recv_frame(self, frame: Frame) -> None:
        """As `Protocol.recv_frame`, which calls it; data becomes part of a message."""
        if frame.opcode is Opcode.CLOSE:
            # It may come between two fragments (RFC 6455, 5.4); the second is the name before 16.
            self.current_size = self.cur_size = None
        super().recv_frame(frame)
        self.events.clear()
        if frame.opcode is Opcode.TEXT:
            self._is_text = True
        elif frame.opcode is Opcode.BINARY:
            self._is_text = False
        elif frame.opcode is not Opcode.CONT:
            return
        if self._data is None and frame.fin and self.text is None:  # nearly always
            self.messages.append(str(frame.data, "utf-8") if self._is_text else bytes(frame.data))
        else:
            self._take_part(frame)

    def check_text(self, data: bytes | bytearray, is_last: bool = False) -> None:
        """Check some text of a message; raises UnicodeDecodeError."""
        if self.text is None:
            self.text = _make_decoder()
        self.text.decode(data, is_last)

    def _take_part(self, frame: Frame) -> None:
        if self._is_text:
            checked, self.reader.checked = self.reader.checked, 0
            self.check_text(bytes(frame.data[checked:]), frame.fin)
        if self._data is None:
            self._data = bytearray()
        self._data += frame.data
        if frame.fin:
            data, self._data, self.text = self._data, None, None
            self.messages.append(data.decode() if self._is_text else bytes(data))


class _Reader(StreamReader):
    """Gives `Frame.parse` its pieces: two bytes, maybe a length, the mask, the payload.

    Text is checked while its frame arrives (RFC 6455, 8.1), unless it is compressed.
    """

    def __init__(self, codec: FrameCodec) -> None:
        super().__init__()
        self._codec = codec
        self._head: int | None = None
        """The first byte of the frame."""
        self._mask: bytes | bytearray | None = None
        self._is_plain_text = False
        """Of the message that has begun."""
        self.checked = 0
        """Bytes of the payload whose text was checked."""

    def read_exact(self, n: int) -> Generator[None, None, bytearray]:
        """As `StreamReader.read_exact`."""
        if self._mask is not None:
            assert self._head is not None
            opcode = self._head & 0xF
            if opcode in (Opcode.TEXT, Opcode.BINARY):  # else as the message's first frame
                self._is_plain_text = opcode == Opcode.TEXT and not self._head & _COMPRESSED
            if n > len(self.buffer) and self._is_plain_text and opcode <= Opcode.BINARY:
                yield from self._check(n, self._mask)
            self._head = self._mask = None
            return (yield from super().read_exact(n))
        piece = yield from super().read_exact(n)
        if self._head is None:
            self._head = piece[0]
        elif n == 4:
            self._mask = piece
        return piece

    def _check(self, size: int, mask: bytes | bytearray) -> Generator[None]:
        """Check what has arrived of a payload until all of it has."""
        while len(self.buffer) < size:
            at = self.checked
            part = bytes(self.buffer[at:])
            self._codec.check_text(apply_mask(part, mask[at & 3 :] + mask[: at & 3]))
            self.checked += len(part)
            yield
