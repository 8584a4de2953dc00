"""What the observers of a request are told when its response is out: post_request, then
log_access."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve_http.request import RequestView

if TYPE_CHECKING:
    from hookserve.worker.base import Worker
    from hookserve_http.exchange import Exchange

TellObservers = Callable[["Exchange", float], None]
"""Called with an exchange that is over, and when it began; raises nothing."""


def make_teller(worker: Worker) -> TellObservers | None:
    """The function for a worker that has booted; `None` where nobody listens."""
    post_request, log_access, clock = worker.post_request, worker.log_access, worker.clock
    if not post_request and not log_access:
        return None

    def tell_observers(exchange: Exchange, began: float) -> None:
        environ = exchange.environ
        try:
            if post_request:
                view = RequestView()
                view.environ = environ
                for observe in post_request:
                    observe(worker, view, environ, exchange)
            if log_access:
                exchange.began = began
                exchange.ended = clock()
                exchange.request_line = ""
                for log in log_access:
                    log(exchange)
        except BaseException as error:  # a hook contains what it raises, but not a timer
            exchange.persists = False
            warn = worker.log.warning
            warn("%s: its observers were stopped: %r", exchange.asked[1], error)

    return tell_observers
