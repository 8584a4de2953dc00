"""One request of an interface whose applications wait: the cycle of an exchange that is suspended.

An application runs within `begin` until it waits for something, and what it sends by then goes out
at once.  From then on what it sends is kept until `send_pending` is called, as a rule within the
same call of the application's.

The order is that of WSGI: begin, pre_request, the application up to the end of its response,
post_request, log_access, end.  What comes after its response holds up no connection.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from hookserve.protocol.seam import PAUSED, SUSPENDED, RequestCancelled
from hookserve_http.errors import BadRequest, NoResources, RequestTimeout
from hookserve_http.outgoing import OutgoingResponse
from hookserve_http.request import RequestView
from hookserve_http.suspension import Suspension

if TYPE_CHECKING:
    import asyncio

    from hookserve.protocol.seam import Transport
    from hookserve.worker.request_slots import RequestSlot
    from hookserve_http.repeated import Client, RepeatedHead
    from hookserve_http.suspendable_connection import SuspendableConnection
    from hookserve_http.suspending import SuspendingProtocol

HIGH_WATER = 65536
"""Bytes that the client has not taken, from which on an application waits before it sends more."""
_LEAVE_TIME = 1.0
"""How long a stream of events may end by itself once the worker is about to stop, in seconds."""
QUICK_TIME = 0.1
"""How long what a client has sent may be under way at a quick stop, in seconds."""


class SuspendableExchange(OutgoingResponse):
    """One exchange; an interface says how its application is begun and what it calls."""

    __slots__ = (
        "_environ",
        "_slot",
        "client",
        "connection",
        "has_ended",
        "has_whole_body",
        "is_gone",
        "is_over",
        "repeated",
        "shall_end",
        "suspension",
    )

    suspension_type: ClassVar[type[Suspension]] = Suspension
    """What an exchange has once its application waits."""

    endpoint: SuspendingProtocol
    _environ: dict[str, Any]  # Any: PEP 3333
    connection: SuspendableConnection
    """The client's, once the exchange has begun."""
    _slot: RequestSlot
    has_ended: bool
    """Whether the application has sent all of the response."""
    is_over: bool
    """Whether the response was handed over, and the connection is free for the next request."""
    has_whole_body: bool
    """Whether the application has the whole body of the request."""
    is_gone: bool
    """Whether the application is told that its client is gone."""
    shall_end: bool
    """Whether that is because the worker stops."""
    suspension: Suspension | None
    """`None`: the application has not waited."""
    repeated: RepeatedHead | None
    """What is known of its head from before."""
    client: Client
    """Whose request it is, if its head is repeated."""

    @property  # a slot of the base class, which is written once and read by few
    def environ(self) -> dict[str, Any]:  # Any: PEP 3333
        """As of each request; that of a head which is repeated is made when it is asked for."""
        try:
            return self._environ
        except AttributeError:
            assert self.repeated is not None
            self._environ = made = self.repeated.make_environ(self.client)
            return made

    @environ.setter
    def environ(self, environ: dict[str, Any]) -> None:  # Any: PEP 3333
        self._environ = environ

    def begin(self, connection: SuspendableConnection, transport: Transport) -> None:
        """Begin the application, and run it until it ends or waits."""
        endpoint = self.endpoint
        worker = endpoint.worker
        self.connection, self.transport = connection, transport
        self.has_whole_body = self.has_ended = self.is_over = False
        self.is_gone = self.shall_end = False
        self.suspension = None
        head = self.repeated
        environ = self.environ if head is None else head.environ
        key = endpoint.id_key
        name = environ[key].encode("latin-1") if key in environ else b""
        self._slot = worker.begin(self.head, name)
        try:
            if endpoint.pre_request:
                self._call_pre_request()
            task = self.start_application()
        except BaseException as error:  # the application may raise anything
            self.fail(error)
            return
        if task is not None or not self.is_over:
            self.go_on(task)

    # What an interface provides.

    @abstractmethod
    def start_application(self) -> asyncio.Task[object] | None:
        """Run the application until it ends or waits; returns its task where it has one."""

    @abstractmethod
    def go_on(self, task: asyncio.Task[object] | None) -> None:
        """The application waits or has ended, and its response has not ended, or its task has
        not."""

    def cancel_application(self) -> None:
        """`request_timeout` has passed while the application waits."""
        assert self.suspension is not None
        assert self.suspension.task is not None
        self.suspension.task.cancel()

    # What the connection calls.

    def send_pending(self, transport: Transport) -> None:
        """Send what the application has sent since the last time."""
        suspension = self.suspension
        assert suspension is not None
        try:
            suspension.send_to(transport)
        except OSError as error:
            self.disconnect(error)
        if self.has_ended and not self.is_over:
            self.end_exchange()

    @property
    def takes_input(self) -> bool:
        """Whether what comes is part of the body, and not the next request."""
        return self.input is not None and not self.input.decoder.is_done

    @property
    def state(self) -> int:
        """That of the connection while the exchange is suspended."""
        return PAUSED if self.input is not None and self.input.is_full else SUSPENDED

    def feed(self, data: bytes) -> None:
        """Take bytes of the body."""
        if self.input.failure is not None:
            return
        try:
            self.input.feed(data)
        except BadRequest as error:
            self.fail_body(error)
        self.wake()

    def end_input(self) -> None:
        """The client sends no more: to an application it is gone, though its response is sent, and
        those to the requests that it has sent before its end."""
        body = self.input
        self.persists = self.persists and body is not None and bool(body.rest)
        if not (body is None or body.decoder.is_done):
            self.reason = self.reason or "the client disconnected"
        self.is_gone = True
        self.wake()

    def drained(self) -> None:
        """The client has taken all that was sent."""
        if self.suspension is not None:
            self.suspension.drained()

    def leave(self) -> None:
        """The worker is about to stop: a stream of events may have no end of its own, and is told
        to end unless it does so in a moment.  At a quick stop no client is waited for."""
        endpoint = self.endpoint
        if self._start_is_event_stream():
            endpoint.loop.call_later(_LEAVE_TIME, self.request_end)
        if endpoint.worker.is_quick and self.takes_input:
            endpoint.loop.call_later(QUICK_TIME, self._abandon_body)

    def disconnect(self, error: OSError) -> None:
        """The client is gone: nothing can be sent any more."""
        if not self.is_over:
            self.on_disconnect(error)
            self.is_gone = True
            self.wake()
            self.drained()
            if self.has_ended:
                self.end_exchange()

    # The course of the exchange.

    def is_last(self, size: int) -> bool:
        """As `OutgoingResponse.is_last`; hooks and logs are called when all of it is sent."""
        is_whole = self.persists and size >= self.content_length and self.input is None
        is_alone = self.endpoint.notify_observers is None and not self.connection.has_more
        return is_whole and is_alone

    @property
    def is_suspended(self) -> bool:
        """Whether the application has waited, so that what it sends is kept."""
        return self.suspension is not None and self.suspension.has_begun

    def suspend(self, task: asyncio.Task[object] | None) -> None:
        """The application waits for something: it goes on elsewhere, in a task where it is
        known."""
        suspension, endpoint = self.ensure_suspension(), self.endpoint
        suspension.begin(task, self.transport)
        if self.disconnect_error is None:
            self.transport = suspension
        else:
            self.is_gone = True
        if not endpoint.worker.alive:
            self.leave()
        timeout = endpoint.request_timeout
        if timeout:
            suspension.timer = endpoint.loop.call_later(timeout, self.on_timeout, timeout)

    def on_timeout(self, timeout: float) -> None:
        """`request_timeout`, of so many seconds, has passed since the application first waited."""
        if self.is_suspended and not self.has_ended:
            self.reason = f"request_timeout ({timeout:g} s)"
            self.cancel_application()

    def request_end(self) -> None:
        """The worker stops: the application is told that its client is gone."""
        if not (self.has_ended or self.is_gone):
            self.is_gone = self.shall_end = True
            self.wake()

    def fail_body(self, error: BadRequest) -> None:
        """The rest of the body is of no use."""
        self.input.failure = error
        self.reason = self.reason or str(error)
        self.end_input()
        self.persists = False

    @property
    def refusal_status(self) -> int:
        """The status by which a body that cannot be received is refused; 0: no fault was found."""
        failure: BadRequest | None = None if self.input is None else self.input.failure
        return 0 if failure is None else failure.status

    def fail(self, error: BaseException) -> None:
        """The application has raised."""
        worker = self.endpoint.worker
        worker.end_if_forked(error)
        method, target = self.method_and_target
        if isinstance(error, RequestCancelled):
            after = " (after its response)" if self.has_ended else ""
            worker.log.warning("%s %s: %s%s", method, target, error, after)
            if not self.has_ended:
                self.reason = str(error)
                self.finish_with(503)
        elif self._is_disconnect(error):
            if not self.has_ended:
                self.finish_with(self.refusal_status)
        elif self.has_ended:
            what = "%s %s: error after the response"
            worker.log.error(what, method, target, exc_info=error)
        else:
            self.reason = f"the application failed: {type(error).__name__}"
            worker.log.error("error handling %s %s", method, target, exc_info=error)
            self.finish_with(500)

    def _is_disconnect(self, error: BaseException) -> bool:
        """Whether the application says no more than that its client is gone, or has not sent all
        of the body: then it has nothing to work with, however it says so."""
        body = self.input
        if self.is_gone and body is not None and not body.decoder.is_done:
            return isinstance(error, Exception)
        gone = self.disconnect_error
        return gone is not None and gone in (error, error.__cause__, error.__context__)

    def finish_with(self, status: int) -> None:
        """End the response, with an error page where there is a status and no head was sent."""
        self.persists = False
        if status and not self.head_sent:
            self.send_error_page(status)
        self.has_ended = True
        if not self.is_suspended:
            self.end_exchange()

    def end_exchange(self) -> None:
        """The response has been handed over."""
        self.is_over = True
        endpoint = self.endpoint
        if self.suspension is not None:
            self.suspension.close()
            self.wake()
        try:
            if endpoint.notify_observers is not None:
                self.complete_record()
                endpoint.notify_observers(self, self._slot.began)
        finally:
            endpoint.worker.end(self._slot, self.status_code // 100, self.sent)

    def _call_pre_request(self) -> None:
        view = self.view = RequestView()
        view.environ = self.environ
        for observe in self.endpoint.pre_request:
            observe(self.endpoint.worker, view, self.environ)

    def _start_is_event_stream(self) -> bool:
        return self.head_sent and b"content-type: text/event-stream" in self.head_lines.lower()

    # Waiting.

    def send_continue(self) -> None:
        """``100 Continue`` (RFC 9110, 10.1.1): the client waits for it before it sends the body."""
        self.input.expects_continue = False
        if not self.head_sent:
            self.send_bytes(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.connection.handle.resume_now()

    async def wait_for_event(self) -> None:
        """Wait until a part of the body has come, the client is gone or the response has ended."""
        loop = self.endpoint.loop
        future = loop.create_future()
        self.ensure_suspension().receivers.append(future)
        body = self.input
        if self.has_whole_body or body is None:
            await future
            return
        left = body.time_left(self.endpoint.body_timeout, self.endpoint.body_rate)
        timer = loop.call_later(left, self.on_slow_body) if left else None
        began = loop.time()
        try:
            await future
        finally:
            body.waited += loop.time() - began
            if timer is not None:
                timer.cancel()

    def _abandon_body(self) -> None:
        if self.takes_input and not self.has_ended:
            self.fail_body(NoResources("the worker stops before the request body is complete"))

    def on_slow_body(self) -> None:
        """The client has not sent the body in time (`body_timeout`, `body_rate`)."""
        self.fail_body(RequestTimeout("timeout while reading the request body"))

    def wake(self) -> None:
        """Something has happened that the application may wait for."""
        if self.suspension is not None:
            self.suspension.wake()

    def ensure_suspension(self) -> Suspension:
        """The suspension, made if there is none yet."""
        if self.suspension is None:
            self.suspension = self.suspension_type()
        return self.suspension
