"""HTTP whose exchanges may be suspended, on one listener of one worker that runs coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from hookserve_http.protocol import HttpProtocol
from hookserve_http.repeated import RepeatedHeads
from hookserve_http.suspendable_connection import SuspendableConnection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from hookserve.listeners.address import Endpoint as Address
    from hookserve.worker.base import Worker
    from hookserve.worker.coroutines import RunsCoroutines
    from hookserve_http.connection import HttpConnection


class SuspendingProtocol(HttpProtocol):
    """What interfaces of coroutines have in common; `worker` is one that runs them."""

    __slots__ = ("body_rate", "body_timeout", "loop", "request_timeout", "start_coroutine")

    connection_type: ClassVar[type[HttpConnection]] = SuspendableConnection
    """As `HttpProtocol.connection_type`."""
    suspends = True
    """As `Protocol.suspends`."""

    body_timeout: float
    """Seconds without a byte of a body; 0: no limit."""
    body_rate: float
    """Bytes that a client has to send in a second; 0: no limit."""
    request_timeout: float
    """Seconds after which a request that waits is cancelled; 0: no limit."""
    loop: asyncio.AbstractEventLoop
    """The worker's event loop."""
    start_coroutine: Callable[
        [Coroutine[Any, Any, object]],  # Any: as of `RunsCoroutines`
        asyncio.Task[object] | None,
    ]
    """As `RunsCoroutines.start_coroutine`: runs it until it ends or waits."""

    def __init__(self, worker: Worker, local: Address, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        for parser in (self.strict_parser, self.trusting_parser):
            # With an id of its own no request is the same as another.
            parser.repeated = RepeatedHeads(self.request_ids is None and not self.pre_request)
        self.body_timeout = worker.config.body_timeout
        self.body_rate = worker.config.body_rate
        self.request_timeout = worker.config.request_timeout
        runner = cast("RunsCoroutines", worker)
        self.loop = runner.loop
        self.start_coroutine = runner.start_coroutine
