"""Where the handlers of a tornado application run, and what they raise.

tornado makes a task for each request.  Here a handler begins within the call that delivers its
request, and one that never waits needs no task.  What it raises fails its own request: tornado
contains what is an Exception; asyncio lets SystemExit out of the loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from hookserve_tornado.native.exchange import TornadoExchange

if TYPE_CHECKING:
    from tornado.web import Application, RequestHandler

_EXITS = (SystemExit, KeyboardInterrupt)
_StartCoroutine = Callable[[Coroutine[Any, Any, object]], "asyncio.Task[object] | None"]
MakeHandler = Callable[..., "RequestHandler"]


class _Ended(asyncio.Future[None]):
    """Of a handler that has ended."""

    def add_done_callback(self, *_: object, **__: object) -> None:
        """Nothing is raised that a callback would report."""


class Handlers:
    """Runs the handlers of `app`, by `start_coroutine` of the worker."""

    def __init__(
        self, app: Application, loop: asyncio.AbstractEventLoop, start_coroutine: _StartCoroutine
    ) -> None:
        self._start_coroutine = start_coroutine
        self._ended = _Ended(loop=loop)
        self._ended.set_result(None)
        self._make_delegate = app.get_handler_delegate
        app.get_handler_delegate = self._get_delegate  # type: ignore[method-assign]  # of this application

    def _get_delegate(self, *args: Any, **kwargs: Any) -> Any:  # Any: tornado's own
        delegate = self._make_delegate(*args, **kwargs)
        make = partial(self._make_handler, delegate.handler_class)
        delegate.handler_class = make  # type: ignore[assignment]  # called, no more
        return delegate

    def _make_handler(self, kind: MakeHandler, *args: Any, **kwargs: Any) -> RequestHandler:
        handler = kind(*args, **kwargs)
        handler._execute = partial(self._start, handler)  # type: ignore[method-assign,assignment]  # of this request
        return handler

    def _start(
        self, handler: RequestHandler, *args: Any, **kwargs: Any
    ) -> asyncio.Future[Any]:  # Any: tornado's own
        del handler._execute  # it refers to the handler: no work for the garbage collector
        connection = handler.request.connection
        exchange = connection if isinstance(connection, TornadoExchange) else None
        running = _run(handler, exchange, handler._execute(*args, **kwargs))
        task = self._start_coroutine(running)
        if exchange is not None:
            exchange.run_by(task, handler)
        return self._ended if task is None else task


async def _run(
    handler: RequestHandler, exchange: TornadoExchange | None, executed: Awaitable[None]
) -> None:
    try:
        await executed
    except _EXITS:
        handler.log_exception(*sys.exc_info())
        handler.send_error(500)
    except asyncio.CancelledError:
        if exchange is not None:
            exchange.on_cancelled()
        raise
