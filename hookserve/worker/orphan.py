"""The end of a worker whose arbiter is gone: it enforces its quick stop, and reports what is cut,
itself.

A worker that goes on would keep its listeners, and the next server could not bind their addresses.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from typing import TYPE_CHECKING

from hookserve.requests import list_requests
from hookserve.system.calls import sleep, start_thread
from hookserve.worker.lost import log_lost, record_lost

if TYPE_CHECKING:
    from hookserve.worker.base import Worker

_GRACE = 0.5
"""How long after `quick_timeout` a worker that ends by itself may be late, in seconds."""
_STDERR = 2


def retire_listeners(worker: Worker) -> None:
    """Have what waits to be accepted served by this worker, or by a sibling that stops before it.

    During an upgrade it is left to the other arbiter's workers, which accept from the same sockets.
    """
    if not worker.context.scoreboard.server.shared:
        for listener in worker.listeners:
            listener.retire()


def end_in_time(worker: Worker) -> None:
    """Have this process aborted if it runs for longer than `quick_timeout`, and ended if it runs
    for `abort_timeout` after that, with the stacks of its threads on stderr."""
    left = worker.config.quick_timeout + _GRACE
    # A thread in C: it waits neither for the interpreter nor for a lock of the log.
    last = left + worker.config.abort_timeout
    faulthandler.dump_traceback_later(last, exit=True, file=_STDERR)
    start_thread(_abort_later, (worker, left))


def _abort_later(worker: Worker, seconds: float) -> None:
    sleep(seconds)
    message = (
        "%s, %s, timed out: its arbiter (pid %d) is gone, and it has not stopped; in flight: %s"
    )
    model = worker.context.worker_type.name
    requests = list_requests(worker.context.slot.in_flight()) or "nothing"
    worker.log.critical(message, _name(worker), model, worker.server.pid, requests)
    os.kill(os.getpid(), signal.SIGABRT)


def report_lost(worker: Worker, is_named: bool) -> None:
    """Log what ends with this worker, and make the access records of its requests; `is_named`:
    the report of `end_in_time` has named those."""
    slot = worker.context.slot
    requests = slot.in_flight()
    log_lost(worker.log, _name(worker), slot, requests, is_named)
    if requests:
        protocol = worker.context.protocol_classes[worker.interface]
        record_lost(requests, worker.log_access, protocol, "the arbiter is gone", worker.clock())


def _name(worker: Worker) -> str:
    """As the arbiter's reports have it."""
    return f"worker {worker.index} (pid {worker.pid})"
