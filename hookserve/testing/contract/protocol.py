"""What every protocol promises the worker models, as tests that its author runs, without sockets.

::

    from hookserve.testing import ProtocolContract

    class TestContract(ProtocolContract):
        protocol = "mine"
        request = b"..."
        upload = b"..."
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, ClassVar, cast

from hookserve.config.resolved import Config
from hookserve.launch.assembly import load_plugins
from hookserve.listeners.address import Endpoint
from hookserve.plugins.selection import choose_protocol
from hookserve.plugins.target import load_target
from hookserve.protocol.seam import CLOSING, IDLE, READING_BODY, READING_HEAD, READY, Protocol
from hookserve.testing.fakes import StandInWorker, configure, converse

__all__ = ["ProtocolContract"]

_STATES = (IDLE, READING_HEAD, READING_BODY, READY, CLOSING)
_ENDLESS = 16 << 20


class ProtocolContract:
    """The protocol under test; its author sets the class attributes."""

    protocol: ClassVar[str]
    """Its name, as ``--protocol`` is given it."""
    request: ClassVar[bytes]
    """A request without a body, after which the connection goes on."""
    upload: ClassVar[bytes]
    """A request whose body is ``hello``, after which the connection goes on."""
    settings: ClassVar[dict[str, object]] = {}

    _kind: ClassVar[type[Protocol]]
    _config: ClassVar[Config]

    @classmethod
    def setup_class(cls) -> None:
        """Find the protocol, once."""
        chosen = choose_protocol(load_plugins([], {}), cls.protocol)
        cls._kind = cast("type[Protocol]", load_target(chosen.target))
        cls._config = configure(cls.settings)

    def make(self, app: Any = None, *, buffered: bool = False) -> Protocol:  # Any: WSGI callables
        """The protocol around an application, as a worker has it."""
        self.worker = StandInWorker(app or self.respond, self._config)
        return self._kind(self.worker, Endpoint("127.0.0.1", "8000"), buffered)  # type: ignore[arg-type]  # a fake

    def respond(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:  # Any: PEP 3333
        """An application that responds with the body of the request."""
        body = b"<" + environ["wsgi.input"].read() + b">"
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def test_a_connection_begins_idle(self) -> None:
        """And returns one of the five states, always."""
        connection = self.make().connect(("203.0.113.9", 1))

        assert connection.state == IDLE
        assert connection.feed(self.request[:1]) in _STATES

    def test_a_request_split_anywhere_is_the_same_request(self) -> None:
        """For models that may block and for those that may not."""
        for buffered in (False, True):
            for data in (self.request, self.upload):
                whole, _ = converse(self.make(buffered=buffered), [data])
                for at in range(1, len(data)):
                    parts, connection = converse(
                        self.make(buffered=buffered), [data[:at], data[at:]]
                    )
                    assert _undated(parts.sent) == _undated(whole.sent), (buffered, at)
                    assert connection.state == IDLE
                    assert len(self.worker.ended) == self.worker.begun == 1

    def test_pipelined_requests_are_answered_one_by_one(self) -> None:
        """`READY` comes back until there is none left."""
        for buffered in (False, True):
            sent, connection = converse(
                self.make(buffered=buffered), [self.upload + self.request + self.upload]
            )

            assert (sent.sent.count(b"<hello>"), sent.sent.count(b"<>")) == (2, 1)
            assert (connection.state, len(self.worker.ended)) == (IDLE, 3)

    def test_a_buffered_exchange_receives_nothing(self) -> None:
        """The body is complete before `run`."""
        sent, _ = converse(self.make(buffered=True), [self.upload])

        assert sent.received == 0
        assert b"<hello>" in sent.sent

    def test_no_input_makes_it_raise(self) -> None:
        """Neither noise nor requests with a byte changed, nor an end anywhere."""
        chance = random.Random(1)
        for _ in range(300):
            data = bytearray(self.upload)
            data[chance.randrange(len(data))] = chance.randrange(256)
            noise = chance.randbytes(chance.randrange(1, 200))
            for pieces in ([bytes(data), b""], [noise, b""], [bytes(data[:-3]), noise, b""]):
                for buffered in (False, True):
                    _, connection = converse(self.make(buffered=buffered), pieces)
                    assert connection.state in _STATES

    def test_an_end_closes_what_is_incomplete(self) -> None:
        """There will never be more of it."""
        for at in range(1, len(self.request)):
            connection = self.make().connect(("203.0.113.9", 1))
            connection.feed(self.request[:at])

            assert connection.feed(b"") == CLOSING

    def test_input_without_an_end_is_refused(self) -> None:
        """In bounded memory."""
        connection = self.make().connect(("203.0.113.9", 1))
        fed = 0
        while connection.state in (IDLE, READING_HEAD) and fed < _ENDLESS:
            connection.feed(b"x" * 65536)
            fed += 65536

        assert connection.state in (READY, CLOSING)

    def test_a_deadline_ends_the_connection(self) -> None:
        """With a refusal when a request had begun."""
        for at in (0, len(self.request) // 2):
            protocol = self.make()
            connection = protocol.connect(("203.0.113.9", 1))
            if at:
                connection.feed(self.request[:at])
            state = connection.expire()
            if state == READY:
                transport, _ = converse(protocol, [])
                state = connection.run(transport)
                assert transport.sent

            assert state == CLOSING

    def test_a_client_that_is_gone_ends_the_exchange_quietly(self) -> None:
        """After however many sends; the application's iterable is closed."""
        for limit in range(5):
            body = _Body()
            _, connection = converse(self.make(_streaming(body)), [self.request], limit)

            assert connection.state == CLOSING
            assert body.is_closed
            assert len(self.worker.ended) == 1

    def test_an_application_that_raises_ends_its_exchange_alone(self) -> None:
        """Whatever it raises, `run` does not."""
        for error in (ValueError, SystemExit, KeyboardInterrupt, GeneratorExit):

            def fail(*_: object, error: type[BaseException] = error) -> None:
                raise error("on purpose")

            _, connection = converse(self.make(fail), [self.request])
            assert connection.state == CLOSING
            assert self.worker.ended[0][0] == 5

    def test_the_hooks_are_called_once_an_exchange(self) -> None:
        """pre_request, post_request and log_access, in this order, while it is in flight."""
        calls: list[str] = []
        protocol = self.make()
        worker = self.worker
        worker.pre_request = (lambda *_: calls.append("pre"),)
        worker.post_request = (lambda *_: calls.append("post"),)
        worker.log_access = (lambda *_: calls.append("log"),)
        worker.end = lambda *_: calls.append("end")  # type: ignore[method-assign]  # to be told
        # A protocol takes the hooks when it is made.
        protocol = type(protocol)(worker, Endpoint("127.0.0.1", "8000"), False)  # type: ignore[arg-type]  # a fake

        converse(protocol, [self.request * 2])

        assert calls == ["pre", "post", "log", "end"] * 2

    def test_a_worker_that_stops_keeps_no_connection(self) -> None:
        """A request in flight gets its response, and the client sees the end announced."""
        protocol = self.make()
        self.worker.keeps_connections = False

        sent, connection = converse(protocol, [self.request])

        assert b"<>" in sent.sent
        assert connection.state == CLOSING


class _Body:
    """An iterable that knows whether it was closed."""

    is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        return (b"x" * 10000 for _ in range(10))

    def close(self) -> None:
        self.is_closed = True


def _streaming(body: _Body) -> Any:  # Any: a WSGI callable
    def application(environ: dict[str, Any], start_response: Any) -> _Body:  # Any: PEP 3333
        start_response("200 OK", [])
        return body

    return application


def _undated(data: bytes) -> bytes:
    """Without the line that changes each second."""
    return b"\r\n".join(line for line in data.split(b"\r\n") if not line.startswith(b"Date:"))
