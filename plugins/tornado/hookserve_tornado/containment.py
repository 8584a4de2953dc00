"""What a tornado handler raises fails its own request."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tornado.web import Application, RequestHandler

_EXITS = (SystemExit, KeyboardInterrupt)


def contain(app: Application) -> None:
    """Have `app` run each handler so that SystemExit ends its request and not its worker.

    tornado contains what is an Exception; asyncio lets SystemExit out of the loop.
    """
    make_delegate = app.get_handler_delegate

    def get_handler_delegate(*args: Any, **kwargs: Any) -> Any:  # Any: tornado's own
        delegate = make_delegate(*args, **kwargs)
        delegate.handler_class = _contained(delegate.handler_class)  # type: ignore[assignment]  # called, no more
        return delegate

    app.get_handler_delegate = get_handler_delegate  # type: ignore[method-assign]  # of this application


def _contained(kind: Callable[..., RequestHandler]) -> Callable[..., RequestHandler]:
    def make(*args: Any, **kwargs: Any) -> RequestHandler:  # Any: tornado's own
        handler = kind(*args, **kwargs)
        execute: Callable[..., Awaitable[None]] = handler._execute

        async def execute_contained(*arguments: Any, **named: Any) -> None:
            try:
                await execute(*arguments, **named)
            except _EXITS:
                handler.log_exception(*sys.exc_info())
                handler.send_error(500)

        handler._execute = execute_contained  # type: ignore[method-assign]  # of this request
        return handler

    return make
