"""The lifespan of an application in one worker: startup and shutdown (ASGI, "Lifespan")."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hookserve_http.errors import ApplicationError

from hookserve.errors import BootError

if TYPE_CHECKING:
    from logging import Logger

    from hookserve_asgi.scope import AsgiApplication, Message

_SCOPE = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}


class Lifespan:
    """One call of the application, which lasts as long as the worker.

    `mode` is that of the setting: ``auto``, an application that ends or raises before it has
    started does not support lifespans (ASGI, "Scope"); ``on``, that is an error.
    """

    def __init__(self, app: AsgiApplication, mode: str, log: Logger) -> None:
        self._app = app
        self._mode = mode
        self._log = log
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._outcome: asyncio.Future[str] | None = None
        """Of what the application was told last: empty, or why it failed."""
        self._task: asyncio.Task[None] | None = None
        self._has_asked = self._has_started = False
        self.state: dict[str, Any] | None = None  # Any: the application's
        """What the application leaves for its requests; `None`: it has no lifespan."""

    async def start(self) -> None:
        """Tell the application to start; raises BootError when it cannot."""
        if self._mode == "off":
            return
        self.state = {}
        self._task = asyncio.ensure_future(self._run())
        failure = await self._announce("startup")
        if failure is not None:
            raise BootError(f"the application's startup failed: {failure}")

    async def stop(self, limit: float) -> None:
        """Tell the application to end, and wait for that, `limit` seconds at most."""
        if self._task is None or self._task.done():
            return
        try:
            failure = await asyncio.wait_for(self._announce("shutdown"), limit)
        except TimeoutError:
            failure = f"it has not ended in {limit:.2f} s"
            self._task.cancel()
        if failure is not None:
            self._log.error("the application's shutdown failed: %s", failure)

    async def _announce(self, event: str) -> str | None:
        """Returns why the application failed; `None`: it did not."""
        self._outcome = asyncio.get_running_loop().create_future()
        self._events.put_nowait({"type": f"lifespan.{event}"})
        return await self._outcome or None

    async def _run(self) -> None:
        try:
            await self._app({**_SCOPE, "state": self.state}, self._receive, self._send)
        except asyncio.CancelledError as error:
            self._on_end(error)
            raise
        except BaseException as error:  # the application may raise anything
            self._on_end(error)
        else:
            self._on_end(None)

    def _on_end(self, error: BaseException | None) -> None:
        """The application has returned, or raised."""
        if self._outcome is None or self._outcome.done():
            if error is not None:
                self._log.error("the application's lifespan has failed", exc_info=error)
            return
        if error is not None and (self._has_started or self._mode == "on"):
            self._outcome.set_result(f"{type(error).__name__}: {error}")
            return
        if not self._has_started:
            if self._mode == "on":
                self._outcome.set_result("it has ended instead")
                return
            self._report_none(error)
            self.state = None
        self._outcome.set_result("")

    def _report_none(self, error: BaseException | None) -> None:
        """The application does not support lifespans, or fails where it would support them."""
        if self._has_asked and error is not None:
            message = "the application has failed at its startup, which is taken for no lifespan"
            self._log.warning("%s (--lifespan on: it is an error)", message, exc_info=error)
        else:
            self._log.debug("the application has no lifespan: %r", error)

    async def _receive(self) -> Message:
        self._has_asked = True
        return await self._events.get()

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        event = "shutdown" if self._has_started else "startup"
        if kind not in (f"lifespan.{event}.complete", f"lifespan.{event}.failed"):
            raise ApplicationError(f"there is no event {kind!r} before the end of {event}")
        if self._outcome is not None and not self._outcome.done():
            has_failed = kind.endswith(".failed")
            text = message.get("message") or "it gives no reason" if has_failed else ""
            self._has_started = not has_failed
            self._outcome.set_result(text)
