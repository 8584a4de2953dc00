"""Saturation: a request that has waited too long is refused before the application is touched.

Where requests come faster than they are served, each waits a little longer than the one before,
until all of them are answered to clients that have gone.  With `queue_timeout` the server
serves what is still wanted, and tells the others at once to come back (RFC 9110, 15.6.4).

A request has waited since its bytes came into the kernel (`Transport.waited`), in the accept queue
or on an open connection, or since a trusted proxy has written ``X-Request-Start``, whichever is
longer.  It has not waited while the request before it on its connection ran.  Within TLS a client
waits in the accept queue with its handshake, and sends its first request afterwards: what each part
of the handshake has waited counts for that request, and the time of the client in between does not.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from hookserve.protocol.seam import Transport
from hookserve_http.connection import HttpConnection
from hookserve_http.errors import Saturated

if TYPE_CHECKING:
    from hookserve_http.head import HeadParser
    from hookserve_http.outgoing import OutgoingResponse
    from hookserve_http.protocol import HttpProtocol

_WARNING_PAUSE = 60.0
_AT_THE_SOCKET, _IN_THE_PROXY = "at its socket", "since X-Request-Start"
"""Where a request has waited: each is mended elsewhere, and has a warning of its own."""
_MOST_SILENCE = 2.0
"""A client that is silent for longer after its handshake, in seconds, has connected ahead of its
first request: that has not waited with the handshake."""
_LONGEST = 3600.0
"""A header that says more was written by another clock, or for another purpose."""
_MICROSECONDS, _MILLISECONDS = 1e14, 1e11
"""A moment in such a unit is greater than this, until the year 5138."""


def seconds_since(moment: str, now: float) -> float:
    """Seconds from what X-Request-Start says to `now` (seconds of the epoch); 0 where it makes no
    sense.  Proxies write seconds, milliseconds or microseconds, some of them after ``t=``."""
    try:
        value = float(moment.removeprefix("t="))
    except ValueError:
        return 0.0
    if value > _MICROSECONDS:
        value /= 1e6
    elif value > _MILLISECONDS:
        value /= 1e3
    waited = now - value
    return waited if 0.0 < waited < _LONGEST else 0.0


def _time_waited(transport: Transport, free: float, handshake: float) -> float:
    """How long an exchange that is about to run has waited at its socket.  `free` is for how long
    its connection has had nothing to run or to send, `handshake` how long the parts of a handshake
    have waited; all in seconds."""
    waited = min(transport.waited(), free)
    silence = free - waited
    return waited + handshake if silence <= _MOST_SILENCE else waited


class Saturation:
    """What the connections of one listener refuse, and how it is counted."""

    def __init__(self, endpoint: HttpProtocol, limit: float) -> None:
        self._worker = endpoint.worker
        self.clock = endpoint.worker.clock
        self._trusting_parser = endpoint.trusting_parser
        self._limit = limit
        self._retry_after = (("Retry-After", str(max(1, math.ceil(limit)))),)
        self._warnings_at = {_AT_THE_SOCKET: 0.0, _IN_THE_PROXY: 0.0}

    def refusal(
        self, exchange: OutgoingResponse, waited: float, now: float, parser: HeadParser
    ) -> Saturated | None:
        """Why the exchange is refused at that moment, when it has waited so long at its socket;
        `None`: it has not waited too long."""
        where = _AT_THE_SOCKET
        start = exchange.environ.get("HTTP_X_REQUEST_START")
        if start and parser is self._trusting_parser:
            behind_proxy = seconds_since(start, self._worker.wall_clock())
            if waited <= self._limit < behind_proxy:
                where = _IN_THE_PROXY
            waited = max(waited, behind_proxy)
        if waited <= self._limit:
            return None
        self._count(now, waited, where)
        error = Saturated(f"it has waited {waited:.1f} s (queue_timeout)")
        error.fields = self._retry_after
        return error

    def _count(self, now: float, waited: float, where: str) -> None:
        self._worker.context.slot.count_saturated()
        if now < self._warnings_at[where]:
            return
        self._warnings_at[where] = now + _WARNING_PAUSE
        self._worker.log.warning(
            "saturated: requests are refused with 503, this one has waited %.1f s %s, longer than"
            " queue_timeout (said once in %g s)",
            waited,
            where,
            _WARNING_PAUSE,
        )


@cache
def with_saturation(kind: type[HttpConnection]) -> type[HttpConnection]:
    """That kind of connection, which refuses what has waited too long."""

    class SaturableConnection(kind):  # type: ignore[misc,valid-type]  # mypy wants it literally
        """Asks before an exchange begins."""

        __slots__ = ("_free_since", "_handshake_waited")

        def __init__(
            self, endpoint: HttpProtocol, parser: HeadParser, address: str, port: str
        ) -> None:
            super().__init__(endpoint, parser, address, port)
            self._free_since = -math.inf
            """When the last exchange ended, or the last part of a handshake was sent."""
            self._handshake_waited = 0.0
            """How long the parts of the handshake have waited, in seconds."""

        def note_wait(self, transport: Transport) -> None:
            """As `Connection.note_wait`."""
            now = self.endpoint.saturation.clock()
            self._handshake_waited += min(transport.waited(), now - self._free_since)
            self._free_since = now

        def run(self, transport: Transport) -> int:
            """As `Connection.run`."""
            saturation: Saturation = self.endpoint.saturation
            exchange = self._exchange
            if exchange is not None:
                now = saturation.clock()
                waited = _time_waited(transport, now - self._free_since, self._handshake_waited)
                self._handshake_waited = 0.0
                error = saturation.refusal(exchange, waited, now, self._parser)
                if error is not None:
                    self.refuse(error, exchange.environ, exchange.head)
            state: int = super().run(transport)
            self._free_since = saturation.clock()
            return state

    return SaturableConnection
