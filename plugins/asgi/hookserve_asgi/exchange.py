"""One request of ASGI and its response: what `receive` and `send` do.

The cycle around them is that of each exchange that is suspended (`hookserve_http.suspendable`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hookserve_http.errors import ApplicationError
from hookserve_http.suspendable import HIGH_WATER

from hookserve.protocol.seam import RequestCancelled
from hookserve_asgi.response import AsgiResponse
from hookserve_asgi.scope import Message, Scope, make_scope, repeat_scope
from hookserve_asgi.suspension import FileSuspension

if TYPE_CHECKING:
    from hookserve_asgi.protocol import AsgiProtocol


class AsgiExchange(AsgiResponse):
    """One exchange."""

    __slots__ = ()

    suspension_type = FileSuspension

    endpoint: AsgiProtocol

    def start_application(self) -> asyncio.Task[object] | None:
        """As `SuspendableExchange.start_application`."""
        self._trailers = None
        endpoint, head = self.endpoint, self.repeated
        if head is None or head.scope is None:
            scope = self._make_scope()
        else:
            scope = repeat_scope(head.scope, self.client, endpoint.state)
        start, application = endpoint.start_coroutine, endpoint.application
        return start(application(scope, self.receive, self.send))

    def _make_scope(self) -> Scope:
        endpoint, head = self.endpoint, self.repeated
        scope = make_scope(self.environ, self.head, self.connection.fields, endpoint)
        if head is not None:
            head.scope = repeat_scope(scope, None, None)
        return scope

    def go_on(self, task: asyncio.Task[object] | None) -> None:
        """As `SuspendableExchange.go_on`."""
        if task is None:
            self._end()
            return
        if not self.is_over:
            try:
                self.send_head()
            except OSError:  # the next send of the application raises it
                pass
            self.suspend(task)
        task.add_done_callback(self._on_task_end)

    # What the application calls.

    async def receive(self) -> Message:
        """The next event: a part of the body, or the end."""
        while not self.has_ended:
            if not self.has_whole_body:
                message = self._next_part()
                if message is not None:
                    return message
            if self.is_gone:
                break
            await self.wait_for_event()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take an event of the application's; waits while the client does not read.

        Raises OSError when the client is gone, ApplicationError for what may not come now.
        """
        pieces = self.take(message)
        if pieces is not None:
            for _ in pieces:
                if self._hand_over():
                    await self._wait_for_room()
        if self.suspension is None:  # the application has not waited, as most never do
            if self.has_ended:
                self.end_exchange()
                return
            if not self.head_sent:
                return
        if self._hand_over():
            await self._wait_for_room()

    def _hand_over(self) -> bool:
        """Have the connection send what was taken; returns whether there is no room for more."""
        suspension = self.suspension
        if suspension is not None and suspension.has_begun:
            if suspension.pending or self.has_ended:
                self.connection.handle.resume_now()
            elif not self.head_sent:
                self.endpoint.loop.call_soon(self._send_head_alone)
        elif self.has_ended:
            self.end_exchange()
        if self.has_ended:
            return False
        if self.disconnect_error is not None:
            raise self.disconnect_error
        return self.head_sent and self.transport.unsent > HIGH_WATER

    def _send_head_alone(self) -> None:
        """The application has begun a response, and waits before it sends a part of the body."""
        suspension = self.suspension
        assert suspension is not None
        assert suspension.task is not None
        if not (self.head_sent or self.disconnect_error or suspension.task.done()):
            self.send_head()
            self.connection.handle.resume_now()
            if not self.endpoint.worker.alive:
                self.leave()

    # The course of the exchange.

    def _on_task_end(self, task: asyncio.Task[object]) -> None:
        if task.cancelled():
            is_at_end = not self.endpoint.worker.alive
            reason = "the worker ends" if is_at_end else "the application cancelled it"
            self.fail(RequestCancelled(self.reason or reason))
        elif (error := task.exception()) is not None:
            self.fail(error)
        elif not self.has_ended:
            self._end()
        if not self.is_over:
            if self.is_gone and self.disconnect_error is not None:
                self.end_exchange()  # the connection may be closed
            self.connection.handle.resume_now()

    def _end(self) -> None:
        """The application has returned before its response has ended."""
        if self.is_gone and not self.head_sent:
            self.reason = self.reason or "the client disconnected"
            self.finish_with(self.refusal_status)
        elif self.shall_end and self.disconnect_error is None:
            self.end_body()
            self.has_ended = True
        elif not self.status_code:
            self.fail(ApplicationError(self.NOT_BEGUN))
        else:
            self.warn("the application ended before its response did")
            self.finish_with(500)

    def _next_part(self) -> Message | None:
        """What has arrived of the body; `None`: it has to be waited for."""
        body = self.input
        if body is None:
            self.has_whole_body = True
            return {"type": "http.request", "body": b"", "more_body": False}
        was_full = body.is_full
        data, is_done = body.take(), body.decoder.is_done
        if not data and not is_done:
            if body.expects_continue and not self.is_gone:
                self.send_continue()
            return None
        if was_full:
            self.connection.handle.resume()
        self.has_whole_body = is_done
        return {"type": "http.request", "body": data, "more_body": not is_done}

    async def _wait_for_room(self) -> None:
        suspension = self.ensure_suspension()
        if suspension.room is None:
            suspension.room = self.endpoint.loop.create_future()
        await asyncio.shield(suspension.room)
        if self.disconnect_error is not None:
            raise self.disconnect_error
