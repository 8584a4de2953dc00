"""The part of the protocol contract that is about exchanges which go on elsewhere.

A test plays the worker (`hookserve.testing.fakes.Conversation`): it feeds, runs the exchange when
its handle was resumed, and tells it what a worker tells.
"""

from __future__ import annotations

import threading

import pytest

from hookserve.protocol.seam import CLOSING, IDLE, PAUSED, SUSPENDED, Protocol
from hookserve.testing.contract.protocol_base import STATES, ProtocolBase, name_of
from hookserve.testing.fakes import Conversation
from hookserve.types import AccessRecord

_LIMIT = 5.0
"""Seconds within which an exchange that was resumed sends."""


class SuspensionContract(ProtocolBase):
    """Held by protocols that suspend exchanges; skipped for others."""

    records: list[AccessRecord]
    """Those of the protocol that `begin_suspended` has made."""

    def begin_suspended(self) -> tuple[Protocol, Conversation]:
        """A protocol and its connection, whose exchange is suspended."""
        if not self._kind.suspends:
            pytest.skip(f"the protocol {self.protocol} suspends no exchange")
        assert self.suspended_request is not None, (
            "a protocol whose `suspends` is true needs `suspended_request` and `produce`"
        )
        self.make()
        self.records = []
        self.worker.log_access = (self.records.append,)
        protocol = self.make_again()
        conversation = Conversation(protocol)
        conversation.feed(self.suspended_request)
        assert conversation.state in (SUSPENDED, PAUSED), (
            f"after `suspended_request` the state is {name_of(conversation.state)}"
        )
        return protocol, conversation

    def receive(self, conversation: Conversation, expected: bytes) -> None:
        """Run the exchange until its client has received that."""
        while expected not in conversation.sent:
            before = len(conversation.states)
            conversation.go_on(_LIMIT)
            assert len(conversation.states) > before, (
                f"not sent: {expected!r} (neither `resume` nor `resume_now` was called)"
            )

    def test_a_suspended_exchange_goes_on_in_the_thread_that_resumes_it(self) -> None:
        """More than once."""
        protocol, conversation = self.begin_suspended()
        for _ in range(3):
            expected = self.produce(protocol)
            self.receive(conversation, expected)
            assert conversation.state in (SUSPENDED, PAUSED)

    def test_a_suspended_exchange_is_resumed_from_another_thread(self) -> None:
        """While the worker waits."""
        protocol, conversation = self.begin_suspended()
        expected: list[bytes] = []
        thread = threading.Thread(target=lambda: expected.append(self.produce(protocol)))
        thread.start()
        conversation.go_on(_LIMIT)
        thread.join()

        self.receive(conversation, expected[0])

    def test_a_resume_without_anything_to_send_sends_nothing(self) -> None:
        """A worker may run the exchange once too often."""
        _, conversation = self.begin_suspended()
        before = conversation.sent

        conversation.handle.resume()
        conversation.go_on()

        assert conversation.sent == before
        assert conversation.state in (SUSPENDED, PAUSED)

    def test_each_state_of_a_suspended_exchange_is_one_of_the_seam(self) -> None:
        """Whatever the client sends meanwhile, byte for byte."""
        protocol, conversation = self.begin_suspended()
        for byte in self.request * 2:
            if conversation.state == CLOSING:
                break
            conversation.feed(bytes([byte]))
        self.produce(protocol)
        conversation.go_on()

        wrong = [name_of(state) for state in conversation.states if state not in STATES]
        assert not wrong

    def test_what_was_produced_is_sent_to_a_client_that_sends_no_more(self) -> None:
        """Such a client may read still: it is not gone."""
        protocol, conversation = self.begin_suspended()
        expected = self.produce(protocol)

        conversation.feed(b"")
        if conversation.state != CLOSING:
            conversation.feed(b"")  # it may come more than once
        conversation.go_on()

        assert expected in conversation.sent, "the end of the input is taken for a client gone"

    def test_what_the_kernel_does_not_take_goes_out_in_order(self) -> None:
        """And the exchange goes on when all of it is gone."""
        protocol, conversation = self.begin_suspended()
        conversation.transport.is_full = True
        expected = [self.produce(protocol)]
        self.receive(conversation, expected[0])
        for _ in range(10):
            expected.append(self.produce(protocol))
            conversation.go_on()

        conversation.drain()
        expected.append(self.produce(protocol))
        self.receive(conversation, expected[-1])

        assert b"".join(expected) in conversation.sent

    def test_a_suspended_exchange_ends_when_the_worker_stops(self) -> None:
        """And what was produced before is sent."""
        protocol, conversation = self.begin_suspended()
        self.worker.keeps_connections = False
        expected = self.produce(protocol)

        conversation.leave()
        conversation.go_on()

        assert expected in conversation.sent
        assert conversation.state == CLOSING, f"after `leave`: {name_of(conversation.state)}"
        assert self.worker.begun == len(self.worker.ended)

    def test_an_exchange_whose_client_is_gone_is_over(self) -> None:
        """It has one access record, which says why, and nothing is sent afterwards."""
        protocol, conversation = self.begin_suspended()
        before = conversation.sent

        conversation.disconnect()

        assert len(self.records) == 1, "one access record for each exchange, and at its end"
        assert self.records[0].reason, "the record says why the exchange has ended"
        assert self.worker.begun == len(self.worker.ended)
        self.produce(protocol)  # it harms no other
        assert conversation.sent == before

    def test_an_exchange_that_cannot_send_is_over(self) -> None:
        """The client is gone, and sending is the first to notice."""
        protocol, conversation = self.begin_suspended()
        conversation.transport.left = 0
        self.produce(protocol)
        self.records.clear()

        conversation.go_on(_LIMIT)

        assert conversation.state == CLOSING, f"the state is {name_of(conversation.state)}"
        assert len(self.records) == 1, "one access record for each exchange, and at its end"

    def test_the_next_request_follows_a_suspended_exchange(self) -> None:
        """On the same connection, sent along with what ends the exchange."""
        _, conversation = self.begin_suspended()
        if not self.end_request:
            pytest.skip("a client cannot end such an exchange")

        conversation.feed(self.end_request + self.request)

        assert self.response in conversation.sent
        assert conversation.state == IDLE, f"the state is {name_of(conversation.state)}"
