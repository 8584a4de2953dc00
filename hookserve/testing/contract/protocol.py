"""What every protocol promises the worker models, as tests that its author runs, without sockets.

::

    from hookserve.testing import ProtocolContract

    class TestContract(ProtocolContract):
        protocol = "mine"
        request = b"..."
        response = b"..."

        def application(self):
            return lambda command: b"..."
"""

from __future__ import annotations

import random

import pytest

from hookserve.protocol.seam import CLOSING, IDLE, READING_HEAD, READY
from hookserve.testing.contract.protocol_base import STATES, Body, name_of
from hookserve.testing.contract.suspension import SuspensionContract
from hookserve.testing.fakes import Conversation, converse
from hookserve.types import Response

__all__ = ["ProtocolContract"]

_ENDLESS = 16 << 20


class ProtocolContract(SuspensionContract):
    """All parts of the contract; see `hookserve.testing.contract.protocol_base.ProtocolBase` for
    what to set."""

    @property
    def _requests(self) -> list[tuple[bytes, bytes]]:
        """Requests, and what the responses contain."""
        found = [(self.request, self.response)]
        return found if self.upload is None else [*found, (self.upload, self.upload_response)]

    def test_a_connection_begins_idle(self) -> None:
        """And returns one of the seven states, always."""
        conversation = Conversation(self.make())

        assert conversation.state == IDLE, f"it begins as {name_of(conversation.state)}"
        state = conversation.feed(self.request[:1])
        assert state in STATES, name_of(state)

    def test_a_request_split_anywhere_is_the_same_request(self) -> None:
        """For models that may block and for those that may not."""
        for buffered in (False, True):
            for data, response in self._requests:
                whole, _ = converse(self.make(buffered=buffered), [data])
                assert response in whole.sent, f"{data!r} is not answered with {response!r}"
                for at in range(1, len(data)):
                    parts, connection = converse(
                        self.make(buffered=buffered), [data[:at], data[at:]]
                    )
                    assert self.comparable(parts.sent) == self.comparable(whole.sent), (
                        f"split after {at} bytes, with buffered={buffered}"
                    )
                    assert connection.state == IDLE, name_of(connection.state)
                    assert len(self.worker.ended) == self.worker.begun == 1

    def test_pipelined_requests_are_answered_one_by_one(self) -> None:
        """`READY` comes back until there is none left."""
        for buffered in (False, True):
            upload = self.upload or self.request
            sent, connection = converse(
                self.make(buffered=buffered), [upload + self.request + upload]
            )

            found = [sent.sent.count(response) for _, response in self._requests]
            expected = [3] if self.upload is None else [1, 2]
            assert found == expected, f"the responses are {sent.sent!r}"
            assert (connection.state, len(self.worker.ended)) == (IDLE, 3)

    def test_a_buffered_exchange_receives_nothing(self) -> None:
        """The body is complete before `run`."""
        for data, response in self._requests:
            sent, _ = converse(self.make(buffered=True), [data])

            assert sent.received == 0, "`Transport.receive` was called"
            assert response in sent.sent

    def test_no_input_makes_it_raise(self) -> None:
        """Neither noise nor requests with a byte changed, nor an end anywhere."""
        chance = random.Random(1)
        for _ in range(300):
            data = bytearray(self.upload or self.request)
            data[chance.randrange(len(data))] = chance.randrange(256)
            noise = chance.randbytes(chance.randrange(1, 200))
            for pieces in ([bytes(data), b""], [noise, b""], [bytes(data[:-3]), noise, b""]):
                for buffered in (False, True):
                    _, connection = converse(self.make(buffered=buffered), pieces)
                    assert connection.state in STATES, name_of(connection.state)

    def test_an_end_closes_what_is_incomplete(self) -> None:
        """There will never be more of it."""
        for at in range(1, len(self.request)):
            conversation = Conversation(self.make())
            conversation.feed(self.request[:at])

            state = conversation.feed(b"")
            assert state == CLOSING, f"{name_of(state)} after {at} bytes and the end"

    def test_input_without_an_end_is_refused(self) -> None:
        """In bounded memory."""
        connection = Conversation(self.make()).connection
        fed = 0
        while connection.state in (IDLE, READING_HEAD) and fed < _ENDLESS:
            connection.feed(b"x" * 65536)
            fed += 65536

        assert connection.state in (READY, CLOSING), f"{fed} bytes are taken as part of a request"

    def test_a_deadline_ends_the_connection(self) -> None:
        """With a refusal when a request had begun."""
        for at in (0, len(self.request) // 2):
            conversation = Conversation(self.make())
            if at:
                conversation.feed(self.request[:at])
            if conversation.connection.expire() == READY:
                conversation.run()
                assert conversation.sent, "`expire` returned READY, and `run` sent nothing"

            assert conversation.state == CLOSING, name_of(conversation.state)

    def test_a_client_that_is_gone_ends_the_exchange_quietly(self) -> None:
        """After however many sends; the application's iterable is closed."""
        is_streamed = self.streaming(Body()) is not None
        for limit in range(5 if is_streamed else 1):
            body = Body()
            _, connection = converse(self.make(self.streaming(body)), [self.request], limit)

            assert connection.state == CLOSING, name_of(connection.state)
            assert body.is_closed or not is_streamed, "the body is not closed"
            assert len(self.worker.ended) == 1

    def test_an_application_that_raises_ends_its_exchange_alone(self) -> None:
        """Whatever it raises, `run` does not."""
        if self.failing(ValueError) is None:
            pytest.skip(f"no application of the protocol {self.protocol} can raise")
        for error in (ValueError, SystemExit, KeyboardInterrupt, GeneratorExit):
            _, connection = converse(self.make(self.failing(error)), [self.request])

            goes_on = error is ValueError and not self.closes_after_error
            expected = IDLE if goes_on else CLOSING
            assert connection.state == expected, f"{name_of(connection.state)} after {error}"
            assert self.worker.ended[0][0] == 5, "`Worker.end` is to be told of the class 5"

    def test_the_hooks_are_called_once_an_exchange(self) -> None:
        """pre_request, post_request and log_access, in this order, while it is in flight."""
        calls: list[str] = []
        seen: list[Response] = []
        self.make()
        worker = self.worker
        worker.pre_request = (lambda *_: calls.append("pre"),)
        worker.post_request = (
            lambda *_: calls.append("post"),
            lambda *given: seen.append(given[3]),
        )
        worker.log_access = (lambda *_: calls.append("log"),)
        worker.end = lambda *_: calls.append("end")  # type: ignore[method-assign]  # to be told

        converse(self.make_again(), [self.request * 2])

        assert calls == ["pre", "post", "log", "end"] * 2
        assert all(response.elapsed >= 0 for response in seen)

    def test_a_worker_that_stops_keeps_no_connection(self) -> None:
        """A request in flight gets its response, and the client sees the end announced."""
        protocol = self.make()
        self.worker.keeps_connections = False

        sent, connection = converse(protocol, [self.request])

        assert self.response in sent.sent
        assert connection.state == CLOSING, name_of(connection.state)
