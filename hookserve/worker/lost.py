"""What ended with a worker: its requests and connections, in the log and as access records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hookserve.requests import list_requests
from hookserve.wording import counted

if TYPE_CHECKING:
    import logging

    from hookserve.protocol.seam import Protocol
    from hookserve.requests import RequestInFlight
    from hookserve.worker.scoreboard import Slot


def log_lost(
    log: logging.Logger, name: str, slot: Slot, requests: Sequence[RequestInFlight], is_named: bool
) -> None:
    """Log what the worker of that name and slot held: its responses, its connections, and its
    requests, unless the report of a timeout has named those (`is_named`).

    A client may have sent on a connection what the worker had not begun, unless that had its last
    response.
    """
    held = slot.held
    if held:
        log.error("lost with %s: %s, complete and not sent", name, counted(held, "response"))
    others = slot.open_connections - slot.lingering - len(requests) - held
    if others > 0:
        message = "closed with %s: %s without a request that had begun"
        log.warning(message, name, counted(others, "connection"))
    if requests and not is_named:
        log.error("lost with %s: %s", name, list_requests(requests))


def record_lost(
    requests: Sequence[RequestInFlight],
    observers: Sequence[Callable[..., None]],
    protocol: type[Protocol],
    reason: str,
    now: float,
) -> None:
    """Give the observers of `log_access` the records of requests that were lost.

    What such a record says is the protocol's business (`Protocol.lost_request_record`).
    """
    for request in requests if observers else ():
        record = protocol.lost_request_record(request, reason, now)
        for observe in observers if record is not None else ():
            observe(record)
