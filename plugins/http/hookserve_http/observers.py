"""The hooks that observe a complete response: post_request, then log_access."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve_http.request import RequestView

if TYPE_CHECKING:
    from hookserve.types import AccessRecord
    from hookserve.worker.base import Worker

NotifyObservers = Callable[["AccessRecord", float], None]
"""Called with the record of an exchange that is over and the time at which it began."""


def make_notifier(worker: Worker) -> NotifyObservers | None:
    """The function for a worker that has booted; `None` if no plugin implements the hooks.

    The function raises no `Exception`, because each hook contains its own, but it may be
    interrupted by a timer of the application (a greenlet timeout).
    """
    post_request, log_access, clock = worker.post_request, worker.log_access, worker.clock
    if not post_request and not log_access:
        return None

    def notify_observers(record: AccessRecord, began: float) -> None:
        environ = record.environ
        record.began = began
        record.ended = clock()
        if post_request:
            view = getattr(record, "view", None)
            if view is None:  # no hook has seen the request yet
                view = RequestView()
                view.environ = environ
            for observe in post_request:
                observe(worker, view, environ, record)
        if log_access:
            record.request_line = ""
            for log in log_access:
                log(record)

    return notify_observers
