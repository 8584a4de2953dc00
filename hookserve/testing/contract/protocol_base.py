"""What the parts of the protocol contract share: the protocol under test, and its applications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, cast

from hookserve.config.resolved import Config
from hookserve.launch.assembly import load_plugins
from hookserve.listeners.address import Endpoint
from hookserve.plugins.selection import choose_protocol
from hookserve.plugins.target import load_target
from hookserve.protocol.seam import (
    CLOSING,
    IDLE,
    PAUSED,
    READING_BODY,
    READING_HEAD,
    READY,
    SUSPENDED,
    Protocol,
)
from hookserve.testing.fakes import StandInWorker, configure

STATES = {
    IDLE: "IDLE",
    READING_HEAD: "READING_HEAD",
    READING_BODY: "READING_BODY",
    READY: "READY",
    CLOSING: "CLOSING",
    SUSPENDED: "SUSPENDED",
    PAUSED: "PAUSED",
}
"""The states of the seam, and their names."""


class ProtocolBase:
    """The protocol under test; its author sets the class attributes.

    Without an application of its own the contract uses WSGI ones: then `response` and
    `upload_response` need not be set.
    """

    protocol: ClassVar[str]
    """Its name, as ``--protocol`` is given it."""
    interface: ClassVar[str] = "wsgi"
    """The interface that its `ProtocolType` names."""
    request: ClassVar[bytes]
    """A request without a body, after which the connection goes on."""
    response: ClassVar[bytes] = b"<>"
    """What the response to it contains, and the response to `upload` does not."""
    upload: ClassVar[bytes | None] = None
    """A request with a body, or with more than one part; `None`: the protocol has no such thing."""
    upload_response: ClassVar[bytes] = b"<hello>"
    """What the response to it contains, and the response to `request` does not."""
    closes_after_error: ClassVar[bool] = True
    """Whether the connection ends when the application has raised an `Exception`."""
    suspended_request: ClassVar[bytes | None] = None
    """A request whose exchange is suspended, and has no end of its own; for protocols that suspend
    exchanges (`Protocol.suspends`)."""
    end_request: ClassVar[bytes] = b""
    """What a client sends to end it, so that the connection goes on; empty: there is no such
    thing."""
    settings: ClassVar[dict[str, object]] = {}

    _kind: ClassVar[type[Protocol]]
    _config: ClassVar[Config]
    worker: StandInWorker
    """The one that the last protocol was made for."""

    @classmethod
    def setup_class(cls) -> None:
        """Find the protocol, once."""
        chosen = choose_protocol(load_plugins([], {}), cls.protocol, cls.interface)
        cls._kind = cast("type[Protocol]", load_target(chosen.target))
        cls._config = configure(cls.settings)

    # What an author overrides for a protocol that does not serve WSGI applications.

    def application(self) -> Any:  # Any: of the protocol's interface
        """The application that responds with `response` and `upload_response`."""
        return _respond

    def failing(self, error: type[BaseException]) -> Any:  # Any: as `application`
        """An application that raises; `None`: an application cannot."""
        return _failing(error) if self._is_wsgi else None

    def streaming(self, body: Iterable[bytes]) -> Any:  # Any: as `application`
        """An application that responds with the pieces of a body, and closes it; `None`: responses
        are not in pieces."""
        return _streaming(body) if self._is_wsgi else None

    def produce(self, protocol: Protocol) -> bytes:
        """Have the exchange of `suspended_request` send something; returns what its client is to
        receive.  Called in the thread that drives the connections, and in others."""
        raise NotImplementedError("a protocol that suspends exchanges needs `produce`")

    def comparable(self, sent: bytes) -> bytes:
        """What was sent, without what differs from one response to the next."""
        return b"\r\n".join(line for line in sent.split(b"\r\n") if not line.startswith(b"Date:"))

    # What tests use.

    def make(self, app: Any = None, *, buffered: bool = False) -> Protocol:  # Any: as `application`
        """The protocol around an application, as a worker has it."""
        self.worker = StandInWorker(app or self.application(), self._config)
        return self.make_again(buffered)

    def make_again(self, buffered: bool = False) -> Protocol:
        """The protocol for the same worker, whose hooks it takes when it is made."""
        endpoint = Endpoint("127.0.0.1", "8000")
        protocol = self._kind(self.worker, endpoint, buffered)  # type: ignore[arg-type]  # a fake
        self._kind.begin_service([protocol])
        return protocol

    @property
    def _is_wsgi(self) -> bool:
        return type(self).application is ProtocolBase.application


def name_of(state: object) -> str:
    """A state's name, or that it has no name."""
    return STATES.get(cast("int", state), f"no state of the seam: {state!r}")


def _respond(environ: dict[str, Any], start_response: Any) -> list[bytes]:  # Any: PEP 3333
    """Respond with the body of the request."""
    body = b"<" + environ["wsgi.input"].read() + b">"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _failing(error: type[BaseException]) -> Any:  # Any: a WSGI callable
    def fail(*_: object) -> None:
        raise error("on purpose")

    return fail


def _streaming(body: Iterable[bytes]) -> Any:  # Any: a WSGI callable
    def application(
        environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:  # Any: PEP 3333
        start_response("200 OK", [])
        return body

    return application


class Body:
    """The pieces of a response; knows whether it was closed."""

    is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        return (b"x" * 10000 for _ in range(10))

    def close(self) -> None:
        """As PEP 3333 has it."""
        self.is_closed = True
