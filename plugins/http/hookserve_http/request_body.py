"""A request body as it arrives, for an application that takes it piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve_http.body import DRAIN_LIMIT

if TYPE_CHECKING:
    from hookserve_http.errors import BadRequest
    from hookserve_http.framing import Decoder

_FULL = 65536
"""Bytes that wait for the application before the client is read no further."""


class RequestBody:
    """What has arrived and was not taken yet; in memory, up to a bound and one piece more."""

    __slots__ = (
        "_parts",
        "decoder",
        "expects_continue",
        "failure",
        "received",
        "rest",
        "waited",
        "waiting",
    )

    decoder: Decoder
    """Where the body ends."""
    expects_continue: bool
    """Whether the client waits for ``100 Continue`` (RFC 9110, 10.1.1)."""
    rest: bytes
    """What follows the body: the beginning of the next request."""
    failure: BadRequest | None
    """Why the body cannot be received."""
    waiting: int
    """Bytes that wait for the application."""
    received: int
    """Bytes that have arrived."""
    waited: float
    """Seconds for which the application has waited for the client."""

    def __init__(self, decoder: Decoder, expects_continue: bool) -> None:
        self.decoder = decoder
        self.expects_continue = expects_continue
        self.rest = b""
        self.failure = None
        self.waiting = 0
        self.received = 0
        self.waited = 0.0
        self._parts: list[bytes] = []

    @property
    def is_full(self) -> bool:
        """Whether the client is not to be read from for now."""
        return self.waiting >= _FULL or self.failure is not None

    def feed(self, data: bytes) -> None:
        """Take bytes of the client's; raises BadRequest."""
        body, rest = self.decoder.take(data)
        if body:
            self._parts.append(body)
            self.waiting += len(body)
            self.received += len(body)
        self.rest += rest
        self.expects_continue = False

    def time_left(self, timeout: float, rate: float) -> float:
        """Seconds until the client is too slow: `timeout` without a byte, or less than `rate` bytes
        in a second of those that were waited; 0: there is no limit."""
        if not (timeout and rate):
            return timeout
        return max(0.001, min(timeout, timeout + self.received / rate - self.waited))

    def take(self) -> bytes:
        """All that has arrived, for the application."""
        parts, self._parts, self.waiting = self._parts, [], 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take_arrived(self) -> None:
        """As `hookserve_http.body.StreamInput`; what arrives is decoded at once."""

    def can_drain(self) -> bool:
        """Whether the connection may stay open with what is left unread (RFC 9112, 9.3)."""
        if self.failure is not None or self.expects_continue:
            return False
        return self.decoder.most_left <= DRAIN_LIMIT

    def release(self) -> None:
        """The exchange is over: nothing is kept for it."""
        self._parts.clear()
        self.waiting = 0
