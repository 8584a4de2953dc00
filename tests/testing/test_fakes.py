"""A worker in memory does with a connection what a worker does."""

import threading

import pytest
from support.reactors import Elsewhere

from hookserve.protocol.seam import CLOSING, IDLE, PAUSED, SUSPENDED, Protocol
from hookserve.testing.fakes import Conversation


class ElsewhereProtocol(Protocol):
    suspends = True

    def __init__(self):
        super().__init__(None, None, False)

    def connect(self, address):
        return Elsewhere()


@pytest.fixture
def conversation():
    found = Conversation(ElsewhereProtocol())
    assert found.feed(b"begin") == SUSPENDED
    yield found
    Elsewhere.made.clear()


def test_a_suspended_exchange_goes_on_when_it_was_resumed(conversation):
    assert conversation.go_on() == SUSPENDED
    assert conversation.states == [IDLE, 3, SUSPENDED]

    conversation.connection.responses.append(b"one")
    conversation.handle.resume()
    assert conversation.sent == b""
    conversation.go_on()

    assert conversation.sent == b"one"
    assert conversation.handle.resumes == 1


def test_a_resume_of_another_thread_is_waited_for(conversation):
    threading.Timer(0.01, conversation.connection.respond, [b"late"]).start()

    conversation.go_on(5)

    assert conversation.sent == b"late"


def test_a_resume_now_is_run_at_once_and_not_within_a_run(conversation):
    conversation.connection.respond(b"now", now=True)
    assert conversation.sent == b"now"

    conversation.is_busy = True
    conversation.connection.respond(b"later", now=True)
    assert conversation.sent == b"now"
    conversation.go_on()
    assert conversation.sent == b"nowlater"


def test_what_is_sent_is_unsent_while_the_kernel_takes_nothing(conversation):
    conversation.transport.is_full = True
    conversation.connection.respond(b"12345", now=True)
    assert conversation.transport.unsent == 5

    conversation.drain()

    assert conversation.transport.unsent == 0
    assert conversation.connection.calls == ["drained"]


def test_the_stop_and_the_end_are_told(conversation):
    conversation.feed(b"pause\n")
    assert conversation.state == PAUSED
    assert conversation.leave() == IDLE
    conversation.disconnect()

    assert conversation.sent == b"bye\n"
    assert conversation.connection.calls == ["leave", "disconnected"]
    assert conversation.feed(b"") == CLOSING
