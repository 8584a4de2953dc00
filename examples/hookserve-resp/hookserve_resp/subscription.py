"""Connections that publish, and that are sent what others publish.

SUBSCRIBE begins an exchange that is suspended: it goes on when a message is published, by another
connection, in another thread, and ends with its last channel, its client or its worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from hookserve.protocol.seam import CLOSING, READY, SUSPENDED, ConnectionHandle, Protocol, Transport
from hookserve_resp.channels import Channels
from hookserve_resp.commands import array, bulk, error, integer
from hookserve_resp.exchange import Exchange
from hookserve_resp.protocol import RespConnection, RespProtocol, host_of

if TYPE_CHECKING:
    from hookserve.listeners.address import Endpoint
    from hookserve.worker.base import Worker

MOST_UNSENT = 1 << 16
"""Bytes that the kernel has not taken, beyond which messages wait for room."""
MOST_WAITING = 10_000
"""Messages that may wait for it; a client that is slower is closed."""


class PublishingProtocol(RespProtocol):
    """RESP with SUBSCRIBE and PUBLISH."""

    __slots__ = ("channels",)

    suspends = True

    def __init__(self, worker: Worker, local: Endpoint, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        self.channels = Channels()

    @classmethod
    def begin_service(cls, protocols: Sequence[Protocol]) -> None:
        """Have all listeners share their channels."""
        first, *others = cast("Sequence[PublishingProtocol]", protocols)
        for each in others:
            each.channels = first.channels

    def connect(self, address: object) -> PublishingConnection:
        """A connection that may publish and subscribe."""
        return PublishingConnection(self.worker, host_of(address), self.channels)


class PublishingConnection(RespConnection):
    """One client's connection, which may be a subscriber's."""

    __slots__ = ("_channels", "_handle", "_is_closing", "_messages", "_names", "_subscription")

    _handle: ConnectionHandle

    def __init__(self, worker: Worker, address: str, channels: Channels) -> None:
        super().__init__(worker, address)
        self._channels = channels
        self._names: dict[bytes, None] = {}
        """The channels to which the client has subscribed."""
        self._subscription: Exchange | None = None
        self._messages: deque[bytes] = deque()
        """What is to be sent; any thread adds to it."""
        self._is_closing = False

    def attach(self, handle: ConnectionHandle) -> None:
        """Keep the worker's side of the connection."""
        self._handle = handle

    # Commands.

    def reply_to(self, command: list[bytes]) -> bytes:
        """As `RespConnection.reply_to`; PUBLISH is the protocol's own."""
        if command[0].upper() == b"PUBLISH" and len(command) == 3:
            _, channel, message = command
            return integer(self._channels.publish(channel, _message(channel, message)))
        return super().reply_to(command)

    def _control(self, command: list[bytes]) -> bytes:
        """The reply to a command of a subscriber."""
        name, arguments = command[0].upper(), command[1:]
        if name == b"PING":
            return array(bulk(b"pong"), bulk(b"".join(arguments[:1])))
        if name == b"SUBSCRIBE" and arguments:
            return b"".join(map(self._subscribe, arguments))
        if name == b"UNSUBSCRIBE":
            return b"".join(map(self._unsubscribe, arguments or list(self._names)))
        return error("only SUBSCRIBE, UNSUBSCRIBE and PING are allowed to a subscriber")

    def _subscribe(self, name: bytes) -> bytes:
        self._names[name] = None
        self._channels.add(name, self.push)
        return array(bulk(b"subscribe"), bulk(name), integer(len(self._names)))

    def _unsubscribe(self, name: bytes) -> bytes:
        self._names.pop(name, None)
        self._channels.remove(name, self.push)
        return array(bulk(b"unsubscribe"), bulk(name), integer(len(self._names)))

    # The exchange that is suspended.

    def push(self, message: bytes) -> None:
        """Have a message sent; called in any thread."""
        self._messages.append(message)
        self._handle.resume()

    def feed(self, data: bytes) -> int:
        """As `RespConnection.feed`; the end of a subscriber is the end of its subscription."""
        if self._subscription is None or self.state == CLOSING:
            return super().feed(data)
        if not data:
            return self.leave()
        self._reader.feed(data)
        return self._stay(self.state if self.state == READY else self._find_command())

    def run(self, transport: Transport) -> int:
        """Run a command, or go on with the subscription."""
        if self._subscription is None:
            if self._command is None or self._command[0].upper() != b"SUBSCRIBE":
                return super().run(transport)
            self._subscription = Exchange(self._worker, self._command, self._address)
        try:
            return self._go_on(self._subscription, transport)
        except OSError as gone:
            return self._end(4, f"the client is gone: {gone}")
        except BaseException as problem:  # a timer may raise anywhere
            return self._end(5, f"ended by {problem!r}")

    def _go_on(self, subscription: Exchange, transport: Transport) -> int:
        """Reply to commands, then send messages as long as the client reads them."""
        while self._command is not None:
            command, self._command = self._command, None
            subscription.send(transport, self._control(command))
            if self._names:
                self._find_command()
        subscription.release()
        while self._messages and transport.unsent < MOST_UNSENT:
            subscription.send(transport, self._messages.popleft())
        if len(self._messages) > MOST_WAITING:
            return self._end(4, "the client reads too slowly")
        if self._refusal:
            subscription.send(transport, error(self._refusal))
            return self._end(4, self._refusal)
        if self._is_closing:
            return self._end(2, "")
        return self._stay(self.state) if self._names else self._end(2, "", goes_on=True)

    def _stay(self, state: int) -> int:
        """Be suspended, unless a command is to be run."""
        self.state = state if state == READY and self._is_runnable() else SUSPENDED
        return self.state

    def _is_runnable(self) -> bool:
        return bool(self._command is not None or self._refusal or self._is_closing)

    def drained(self) -> int:
        """The client has read all that was sent: there is room for what waits."""
        self.state = READY if self._messages else SUSPENDED
        return self.state

    def leave(self) -> int:
        """End the subscription: the worker stops, or the client sends no more."""
        self._is_closing = True
        self.state = READY
        return READY

    def disconnected(self) -> None:
        """The client is gone."""
        self._end(4, "the client is gone")

    def _end(self, status_class: int, reason: str, goes_on: bool = False) -> int:
        """The subscription is over; the connection too, unless it goes on."""
        subscription, self._subscription = self._subscription, None
        for name in list(self._names):
            self._unsubscribe(name)
        self._messages.clear()
        if subscription is not None:
            if reason:
                subscription.fail(status_class, reason)
            subscription.end()
        return self._next_state() if goes_on else self._close()


def _message(channel: bytes, message: bytes) -> bytes:
    return array(bulk(b"message"), bulk(channel), bulk(message))
