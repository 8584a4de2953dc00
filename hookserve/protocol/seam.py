"""The seam between worker models and protocols.

A worker model moves bytes and knows no protocol; a protocol knows no socket.
One exchange goes like this, whatever the model:

1. The worker accepts a socket and asks the listener's `Protocol` for a `Connection`.
2. It reads when the kernel says so and gives the bytes to `Connection.feed`, which returns
   the connection's state.  The state tells which deadline applies while the worker waits.
3. At `READY` it calls `Connection.run` with a `Transport`.  That runs one whole exchange
   against the application, response included, and returns the next state: `READY` again when
   a pipelined request is already there, `IDLE` or `READING_HEAD` to wait for the next one,
   `CLOSING` to end.
4. At `CLOSING` the worker closes the socket; when `Connection.lingers` is set it first
   half-closes and drains, so that a reset does not overtake the response.

An exchange may also go on elsewhere, in a coroutine or another thread.  Then `run` returns
`SUSPENDED`, or `PAUSED` while there is no room for more input, and the worker waits for the client
and for the exchange at once:

* what the client sends is fed, and its end as empty bytes;
* when the exchange has something to send it calls `ConnectionHandle.resume`, and the worker calls
  `run` again, which sends that and returns the next state;
* what the kernel does not take is kept (`Transport.unsent`), the client is read from meanwhile, and
  `Connection.drained` is called when all of it is gone;
* `Connection.leave` is called when the worker is about to stop, and `Connection.disconnected` when
  the client is gone.

An exchange of a model that may wait can also take its connection over (`Transport.take_over`): it
gets a socket, the worker watches the connection no more, and closes it when the exchange has run.

A model that may block (sync, threads, greenlets) makes its protocol with ``buffered=False``:
the connection is `READY` when the head is complete and, with it, `Worker.awaited_body` bytes of
the body, for which it passes through `READING_BODY`; the rest is read during `run` through
`Transport.receive`.  An event-loop model passes ``buffered=True``: the connection is `READY` only
when the whole body is there, so `run` never calls `receive`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from hookserve.wording import printable

if TYPE_CHECKING:
    from hookserve.listeners.address import Endpoint
    from hookserve.protocol.lent import LentSocket
    from hookserve.types import AccessRecord, RequestInFlight
    from hookserve.worker.base import Worker

IDLE: Final = 0
"""Between requests: nothing of the next one has arrived.  The `keepalive` deadline applies,
or `header_timeout` before the first request."""
READING_HEAD: Final = 1
"""Part of a head has arrived; `header_timeout` applies, counted from its first byte."""
READING_BODY: Final = 2
"""The head is complete, and of the body there is less than has to be there before the exchange can
run; `body_timeout` applies, counted from the last byte that arrived."""
READY: Final = 3
"""There is something to run."""
CLOSING: Final = 4
"""Nothing more is read, and no further response is sent."""
SUSPENDED: Final = 5
"""An exchange goes on elsewhere; what arrives is fed, and no deadline of the worker's applies."""
PAUSED: Final = 6
"""As `SUSPENDED`, and nothing more is read until `run` has been called again."""


class RequestCancelled(BaseException):
    """The worker model cancels a request: its `request_timeout` has passed.

    A model throws it into the code that runs the exchange; its text is the reason in the access
    record.
    """


class Transport(ABC):
    """What a worker model lends a connection for the length of one `Connection.run`.

    Each method may raise OSError: `TimeoutError` when the client made no progress for as
    long as it may, `ConnectionError` when it is gone.  After an OSError no method is called
    again.
    """

    __slots__ = ()

    @abstractmethod
    def send(self, *buffers: bytes) -> None:
        """Hand all of the buffers to the kernel, in order, in as few calls as there can be."""

    def send_last(self, data: bytes) -> None:
        """As `send`, for the last bytes of an exchange after which the connection waits for the
        next request in `IDLE`: a model may have them go out a little later, with those of other
        connections."""
        self.send(data)

    @abstractmethod
    def receive(self, size: int) -> bytes:
        """At least one byte and at most `size`; empty when the client sends no more."""

    def send_file(self, fileno: int, offset: int, count: int) -> int:
        """Send `count` bytes of a file from `offset`; the number sent is short at the file's end.

        Raises `NotImplementedError` where the transport cannot (TLS, pipes): the caller reads
        and sends instead.
        """
        raise NotImplementedError

    def begin_body(self) -> None:  # noqa: B027  # optional
        """From now on `receive` is called for the body of another request, whose time and least
        rate count from here."""

    def take_over(self, received: bytes, on_leave: Callable[[], object] | None) -> LentSocket:
        """Take the connection over: the exchange that runs is its last one, and speaks another
        protocol on the socket that this returns, which blocks.

        What is received from it first is `received`, and then what `Connection.release` returns.
        It has what wrappers make of the bytes: under TLS it encrypts.  The exchange ends in
        `CLOSING`, and no other method of this transport is called after this one.  The connection
        ends once the exchange has run and its socket is closed, or after `linger_timeout`: another
        thread may have something left to send.

        `on_leave` is called, in another thread or greenlet, when the worker is about to stop; the
        connection is cut when the time of the drain is over.

        Raises `NotImplementedError` where the model cannot wait (`Worker.hands_over`).
        """
        raise NotImplementedError

    def may_persist(self) -> bool:
        """Whether the connection may stay open afterwards; called before the head goes out."""
        return True

    def waited(self) -> float:
        """How long ago the client's last bytes came, in seconds: how long a request has waited that
        is about to run.  0 where that cannot be known."""
        return 0.0

    @property
    def unsent(self) -> int:
        """How many bytes of what was sent the kernel has not taken yet.  They go out in order; an
        exchange that is suspended waits for `Connection.drained` before it sends much more."""
        return 0


class ConnectionHandle(ABC):
    """What a worker lends a connection for its whole life (`Connection.attach`)."""

    __slots__ = ()

    @abstractmethod
    def resume(self) -> None:
        """Have `Connection.run` called once more, soon, if the state is `SUSPENDED` or `PAUSED` by
        then.  From any thread; without effect once the connection is closed."""

    @abstractmethod
    def resume_now(self) -> None:
        """As `resume`, before this returns.  Only in the thread that drives the connections, and
        where the worker runs exchanges there; within `run` it is the same as `resume`."""


class Connection(ABC):
    """One accepted socket's conversation."""

    __slots__ = ("lingers", "state")

    state: int
    """The state that the last call returned."""
    lingers: bool
    """Whether unread input may be under way when the state is `CLOSING`."""

    @abstractmethod
    def feed(self, data: bytes) -> int:
        """Take bytes from the client, empty ones when it sends no more, which may come more than
        once; returns the new state.

        A client that sends no more may still read: it has shut down its half of the connection.
        Whether it does is not known before something is sent (shutdown(2)).

        Never raises for what a client sent: a bad request makes the state `READY`, and `run`
        sends the refusal.
        """

    @abstractmethod
    def run(self, transport: Transport) -> int:
        """Run one exchange to its end and return the new state.

        Never raises for what the client or the application did: `BaseException`s that are not
        `Exception`s (`SystemExit`, greenlet timeouts, `RequestCancelled`) fail their own request,
        and the connection ends in `CLOSING`.
        """

    @abstractmethod
    def expire(self) -> int:
        """The deadline of the current state has passed: returns `READY` when the client is owed
        a refusal, which `run` sends, and `CLOSING` when it is not."""

    def fail(self, error: Exception) -> int:
        """`feed`, `expire` or `interim` has raised that: no memory, no room for a file, a fault.

        Returns `READY` when `run` can send the client a response that says so, having logged the
        reason, and `CLOSING` otherwise.
        """
        return CLOSING

    def interim(self) -> bytes:
        """What must be sent now, while the state is `READING_BODY` (``100 Continue``); once."""
        return b""

    def attach(self, handle: ConnectionHandle) -> None:  # noqa: B027  # optional
        """Keep the worker's side of this connection; called once, before the first byte is fed,
        where `Protocol.suspends` is true."""

    def drained(self) -> int:
        """The kernel has taken all that was sent while the exchange was suspended; returns the
        state, which is `READY` when `run` is to be called."""
        return self.state

    def leave(self) -> int:
        """The worker is about to stop, and the exchange is suspended: one without an end of its own
        is told to end.  Returns the state, which is `READY` when `run` is to be called."""
        return self.state

    def release(self) -> bytes:
        """The bytes that were fed and have not been used: called within `run`, by
        `Transport.take_over`.  Afterwards the worker calls no method of this connection."""
        return b""

    def disconnected(self) -> None:  # noqa: B027  # optional
        """The connection is closed while its exchange is suspended: the client is gone, it has not
        read for as long as it may, or the worker ends.  Nothing is called after that."""

    def set_connection_info(self, info: Mapping[str, object]) -> None:  # noqa: B027  # optional
        """Take what a wrapper around this connection knows of it, as entries for the environ of
        each of its requests; called before the first byte is fed."""

    def distrust(self) -> None:  # noqa: B027  # optional
        """Believe nothing that the requests say for other clients, whatever the address is allowed:
        a wrapper cannot tell who writes them.  Called before the first byte is fed."""

    def note_wait(self, transport: Transport) -> None:  # noqa: B027  # optional
        """A wrapper around this connection is about to send what its client has to read before it
        sends its first request: what that has waited (`Transport.waited`), the request has."""


class Protocol(ABC):
    """What one listener of one worker speaks; made after the application is loaded."""

    __slots__ = ("buffered", "local", "worker")

    suspends: ClassVar[bool] = False
    """Whether exchanges may be suspended, so that connections need a `ConnectionHandle`."""

    def __init__(self, worker: Worker, local: Endpoint, buffered: bool) -> None:
        self.worker = worker
        self.local = local
        self.buffered = buffered

    @classmethod  # noqa: B027  # optional
    def begin_service(cls, protocols: Sequence[Protocol]) -> None:
        """Called once in each worker, with its protocols, before it reports that it is ready: the
        application may have to be told.  What is raised fails the boot."""

    @classmethod  # noqa: B027  # optional
    def end_service(cls, protocols: Sequence[Protocol]) -> None:
        """Called once in each worker that ends by itself, after its last connection; to return by
        `Worker.ends_by`."""

    @abstractmethod
    def connect(self, address: object) -> Connection:
        """A connection in state `IDLE`; `address` is what accept(2) gave."""

    @classmethod
    def describe_request(cls, label: bytes) -> str:
        """How reports show a request that began with that label (`Worker.begin`), which may have
        been cut; safe to print.  Called in the arbiter and in workers."""
        return printable(label)

    @classmethod
    def lost_request_record(
        cls, request: RequestInFlight, reason: str, now: float
    ) -> AccessRecord | None:
        """The access record of a request whose worker ended before it did; `None`: there is none.

        Called in the arbiter, at `now` in seconds of the monotonic clock.
        """
        return None
