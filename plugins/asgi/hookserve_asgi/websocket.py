"""One websocket of an application: its handshake, its messages, its end (ASGI, "WebSocket").

To hooks and records it is a request of status 101 that lasts until the connection ends.  Before it
is accepted it is a request like others, which the application may decline with a response.

A client that closes, or breaks the protocol, gets its close frame once the application has taken
the messages that came before, and has asked for another: its replies to those go out first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookserve_http.disconnected import DisconnectedTransport
from hookserve_http.errors import ApplicationError
from hookserve_http.frames import FrameCodec, agree
from hookserve_http.handshake import RESERVED, Handshake
from hookserve_http.suspendable import HIGH_WATER

from hookserve.protocol.seam import PAUSED, READY, SUSPENDED, Transport
from hookserve_asgi.exchange import AsgiExchange
from hookserve_asgi.scope import Message, Scope, make_websocket_scope

if TYPE_CHECKING:
    from hookserve_http.suspendable_connection import SuspendableConnection

_MOST_MESSAGES = 256
"""Messages that wait for the application before the client is read no further, or 64 KiB."""
_CLOSE_TIME = 5.0
"""How long the other side of a closing handshake may take, in seconds: client or application."""


class WebsocketExchange(AsgiExchange):
    """One websocket, made of the request that asks for it."""

    NOT_BEGUN = "the application has neither accepted nor closed the websocket"

    __slots__ = (
        "_agreed",
        "_closed",
        "_codec",
        "_handshake",
        "_has_connected",
        "_is_busy",
        "_last",
        "_messages",
        "_pinged",
        "_size",
        "deadline",
    )

    def __init__(self, request: AsgiExchange, handshake: Handshake) -> None:
        """Raises BadRequest for extensions that cannot be read."""
        super().__init__(request.endpoint, request.environ, request.head)
        self.persists = False
        self.repeated = None
        self._handshake = handshake
        self._agreed = agree(handshake.extensions if self.endpoint.deflates else "")
        self._codec: FrameCodec | None = None
        """`None` until the websocket is accepted."""
        self._closed: tuple[int, str] | None = None
        """Code and reason, once either side has closed: what the application is told."""
        self._has_connected = False
        """Whether the application was told of the client."""
        self._is_busy = False
        """Whether the application has a message, and has not asked for the next one."""
        self._messages: list[str | bytes] = []
        """Those that wait for the application."""
        self._size = 0
        self._last = self._pinged = self.deadline = 0.0
        """When bytes came, and a ping went out, for the last time; and what `on_deadline` waits
        for: seconds of the loop's clock."""

    def begin(self, connection: SuspendableConnection, transport: Transport) -> None:
        """As `AsgiExchange.begin`; the websocket may outlast the application."""
        super().begin(connection, transport)
        if isinstance(self.transport, DisconnectedTransport):
            self.disconnect(self._gone())
        elif not self.is_over:
            self.transport = self.ensure_suspension()

    def _make_scope(self) -> Scope:
        fields = self.connection.fields
        return make_websocket_scope(self.environ, self.head, fields, self.endpoint)

    # What the application calls.

    async def receive(self) -> Message:
        """The next event."""
        self._is_busy = False
        if not self._has_connected:
            self._has_connected = True
            return {"type": "websocket.connect"}
        while not self._messages:
            if self._codec is not None and self._codec.end and self._closed is None:
                self._finish_closing()
                self.connection.handle.resume_now()
            if self._closed is not None or self.has_ended:
                code, reason = self._closed or (1006, "")
                return {"type": "websocket.disconnect", "code": code, "reason": reason}
            await self.wait_for_event()
        was_full = self.is_full
        message = self._messages.pop(0)
        self._size -= len(message)
        self._is_busy = True
        if was_full and not self.is_full:
            self.connection.handle.resume()
        kind = "text" if isinstance(message, str) else "bytes"
        return {"type": "websocket.receive", kind: message}

    def take(self, message: Message) -> None:
        """Take an event; raises OSError once the websocket is closed."""
        kind = message["type"]
        if self._closed is not None:
            raise self._gone()
        if self._codec is None:
            self._answer(kind, message)
        elif kind == "websocket.send":
            text = message.get("text")
            frame = self._codec.encode(message["bytes"] if text is None else text)
            self.sent += len(frame)
            self.send_bytes(frame)
        elif kind == "websocket.close":
            self._shut(message.get("code") or 1000, message.get("reason") or "")
        else:
            raise ApplicationError(f"there is no event {kind!r} in a websocket that is open")

    def _answer(self, kind: str, message: Message) -> None:
        """Accept or decline."""
        if kind == "websocket.accept" and not (self.status_code or self.has_ended):
            self._accept(message)
        elif kind == "websocket.close" and not self.status_code:
            self.send_error_page(403)
            self.has_ended = True
        elif kind.startswith("websocket.http.response."):
            super().take({**message, "type": kind.removeprefix("websocket.")})
        else:
            raise ApplicationError(f"{kind!r} may not come now, before the websocket is open")

    def _accept(self, message: Message) -> None:
        endpoint, subprotocol = self.endpoint, message.get("subprotocol") or ""
        headers: Any = message.get("headers") or ()
        if any(bytes(name).lower() in RESERVED for name, _ in headers):
            raise ApplicationError("the headers of websocket.accept have one of the handshake's")
        if subprotocol and subprotocol not in self._handshake.subprotocols:
            raise ApplicationError(f"the client has not offered the subprotocol {subprotocol!r}")
        extensions, codecs = self._agreed
        self.headers = [(str(name, "latin-1"), str(value, "latin-1")) for name, value in headers]
        lines = map(endpoint.writer.line, self.headers + self.id_fields(self.headers))
        start = self._handshake.response(extensions, subprotocol)
        self.status, self.status_code, self.head_sent = "101 Switching Protocols", 101, True
        self._codec = FrameCodec(endpoint.message_limit, codecs)
        self.send_bytes(start, endpoint.writer.date(), *lines, b"\r\n")
        self.head = self.head.partition(b"\r\n")[0]  # for as long as the websocket is open
        self._last = endpoint.loop.time()
        endpoint.websockets.wait(self, endpoint.ping_interval)
        if not endpoint.worker.alive:
            self._shut(1012, "")

    # What the connection calls.

    @property
    def is_full(self) -> bool:
        """Whether the client is not to be read from for now."""
        unsent = 0 if self.suspension is None else self.suspension.unsent
        return max(self._size, unsent) >= HIGH_WATER or len(self._messages) >= _MOST_MESSAGES

    @property
    def takes_input(self) -> bool:
        """Whether frames can be taken."""
        return self._codec is not None

    @property
    def state(self) -> int:
        """As of the connection."""
        if self.has_ended or (self.suspension is not None and self.suspension.pending):
            return READY
        return PAUSED if self.is_full else SUSPENDED

    def feed(self, data: bytes) -> None:
        """Take bytes of frames."""
        codec = self._codec
        assert codec is not None
        endpoint = self.endpoint
        if self._last < self._pinged and self._closed is None and codec.end is None:
            endpoint.websockets.wait(self, endpoint.ping_interval)
        self._last = endpoint.loop.time()
        codec.feed(data)
        messages, codec.messages = codec.messages, []
        if self._closed is None:
            self._messages += messages
            self._size += sum(map(len, messages))
        self.send_bytes(*codec.data_to_send())
        if codec.end is not None:
            if self._closed is not None:
                self.has_ended = True
            elif self._messages or self._is_busy:
                endpoint.websockets.wait(self, _CLOSE_TIME)
            else:
                self._finish_closing()
        self.wake()

    def end_input(self) -> None:
        """The client sends no more, and has not closed before: it is gone."""
        if self._closed is None:
            self.disconnect(self._gone())
        else:
            self.has_ended = True

    def leave(self) -> None:
        """The worker is about to stop (RFC 6455, 7.4.1, and IANA: service restart)."""
        if self._codec is not None and self._closed is None:
            self._shut(1012, "")

    def disconnect(self, error: OSError) -> None:
        """The client is gone."""
        self._closed = self._closed or (1006, "")
        self.has_ended = True
        super().disconnect(error)

    def on_deadline(self, now: float) -> None:
        """The client was silent for as long as it may be, or a closing handshake has not ended."""
        endpoint, codec = self.endpoint, self._codec
        assert codec is not None
        interval, timeout = endpoint.ping_interval, endpoint.ping_timeout
        if self._closed is not None:
            self.reason = self.reason or "the client has not closed in time"
            self.has_ended = True
        elif codec.end is not None:
            self._finish_closing()
        elif timeout and self._last < self._pinged:
            self._shut(1011, "keepalive ping timeout")
            self._closed, self.has_ended = (1006, ""), True
            self.reason = "the client has not responded to a ping"
        elif now - self._last < interval * 0.75:
            endpoint.websockets.wait(self, interval - now + self._last)
            return
        else:
            self._pinged = now
            self.send_bytes(codec.ping())
            endpoint.websockets.wait(self, timeout or interval)
        self.connection.handle.resume_now()

    # The closing handshake.

    def _shut(self, code: int, reason: str) -> None:
        """Close, from this side, unless the client has before."""
        assert self._codec is not None
        if self._codec.end is not None:
            self._finish_closing()
            return
        frame = self._codec.close(code, reason)
        self._closed = code, reason
        self.endpoint.websockets.wait(self, _CLOSE_TIME)
        self.send_bytes(frame)
        self.wake()

    def _finish_closing(self) -> None:
        """Send the close frame that the client waits for."""
        assert self._codec is not None
        assert self._codec.end is not None
        code, reason, frame = self._codec.end
        self._closed, self.has_ended = (code, reason), True
        if self._codec.parser_exc is not None:
            self.reason = f"the client was disconnected: {code} {reason}"
        self.send_bytes(frame)
        self.wake()

    def _gone(self) -> OSError:
        """What an application gets that sends once the websocket is closed."""
        if self.disconnect_error is None:
            code, reason = self._closed or (1006, "")
            self.disconnect_error = ConnectionResetError(f"closed with {code} {reason}".strip())
        assert isinstance(self.disconnect_error, OSError)
        return self.disconnect_error

    def on_timeout(self, timeout: float) -> None:
        """As `SuspendableExchange.on_timeout`."""
        if self._codec is None:
            super().on_timeout(timeout)

    def _end(self) -> None:
        if self._codec is None:
            super()._end()
        else:
            self.finish_with(0)

    def finish_with(self, status: int) -> None:
        """The application has returned or raised, which has had that status in a request."""
        if self._codec is None:
            super().finish_with(status)
        elif self._closed is None:
            try:
                self._shut({500: 1011, 503: 1012}.get(status, 1000), "")
            except OSError:  # as in suspend: `begin` sees it
                pass

    def complete_record(self) -> None:
        """As `AsgiResponse.complete_record`; a websocket has its own from the start."""
        if self._codec is None:
            super().complete_record()

    def end_exchange(self) -> None:
        """As `SuspendableExchange.end_exchange`."""
        self.endpoint.websockets.discard(self)
        super().end_exchange()
