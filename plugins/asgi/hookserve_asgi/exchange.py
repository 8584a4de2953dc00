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

    _endpoint: AsgiProtocol

    def _start_application(self) -> asyncio.Task[object] | None:
        self._trailers = None
        endpoint, head = self._endpoint, self.repeated
        if head is None or head.scope is None:
            scope = self._make_scope()
        else:
            scope = repeat_scope(head.scope, self.client, endpoint.state)
        start, application = endpoint.start_coroutine, endpoint.application
        return start(application(scope, self.receive, self.send))

    def _make_scope(self) -> Scope:
        endpoint, head = self._endpoint, self.repeated
        scope = make_scope(self.environ, self.head, self._connection.fields, endpoint)
        if head is not None:
            head.scope = repeat_scope(scope, None, None)
        return scope

    def _go_on(self, task: asyncio.Task[object] | None) -> None:
        if task is None:
            self._end()
            return
        if not self.is_over:
            try:
                self.send_head()
            except OSError:  # the next send of the application raises it
                pass
            self._suspend(task)
        task.add_done_callback(self._on_task_end)

    # What the application calls.

    async def receive(self) -> Message:
        """The next event: a part of the body, or the end."""
        while not self.has_ended:
            if not self._has_body:
                message = self._next_part()
                if message is not None:
                    return message
            if self._is_gone:
                break
            await self._next_event()
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
        if self._suspension is None:  # the application has not waited, as most never do
            if self.has_ended:
                self._close()
                return
            if not self._head_sent:
                return
        if self._hand_over():
            await self._wait_for_room()

    def _hand_over(self) -> bool:
        """Have the connection send what was taken; returns whether there is no room for more."""
        suspension = self._suspension
        if suspension is not None and suspension.has_begun:
            if suspension.pending or self.has_ended:
                self._connection.handle.resume_now()
            elif not self._head_sent:
                self._endpoint.loop.call_soon(self._send_head_alone)
        elif self.has_ended:
            self._close()
        if self.has_ended:
            return False
        if self._disconnect_error is not None:
            raise self._disconnect_error
        return self._head_sent and self._transport.unsent > HIGH_WATER

    def _send_head_alone(self) -> None:
        """The application has begun a response, and waits before it sends a part of the body."""
        suspension = self._suspension
        assert suspension is not None
        assert suspension.task is not None
        if not (self._head_sent or self._disconnect_error or suspension.task.done()):
            self.send_head()
            self._connection.handle.resume_now()
            if not self._endpoint.worker.alive:
                self.leave()

    # The course of the exchange.

    def _on_task_end(self, task: asyncio.Task[object]) -> None:
        if task.cancelled():
            is_at_end = not self._endpoint.worker.alive
            reason = "the worker ends" if is_at_end else "the application cancelled it"
            self._fail(RequestCancelled(self.reason or reason))
        elif (error := task.exception()) is not None:
            self._fail(error)
        elif not self.has_ended:
            self._end()
        if not self.is_over:
            if self._is_gone and self._disconnect_error is not None:
                self._close()  # the connection may be closed
            self._connection.handle.resume_now()

    def _end(self) -> None:
        """The application has returned before its response has ended."""
        if self._is_gone and not self._head_sent:
            self.reason = self.reason or "the client disconnected"
            self._finish_with(self._refusal)
        elif self._shall_end and self._disconnect_error is None:
            self._finish()
            self.has_ended = True
        elif not self.status_code:
            self._fail(ApplicationError(self.NOT_BEGUN))
        else:
            self._warn("the application ended before its response did")
            self._finish_with(500)

    def _next_part(self) -> Message | None:
        """What has arrived of the body; `None`: it has to be waited for."""
        body = self.input
        if body is None:
            self._has_body = True
            return {"type": "http.request", "body": b"", "more_body": False}
        was_full = body.is_full
        data, is_done = body.take(), body.decoder.is_done
        if not data and not is_done:
            if body.expects_continue and not self._is_gone:
                self._send_continue()
            return None
        if was_full:
            self._connection.handle.resume()
        self._has_body = is_done
        return {"type": "http.request", "body": data, "more_body": not is_done}

    async def _wait_for_room(self) -> None:
        suspension = self._waiting()
        if suspension.room is None:
            suspension.room = self._endpoint.loop.create_future()
        await asyncio.shield(suspension.room)
        if self._disconnect_error is not None:
            raise self._disconnect_error
