"""The log of accept queues that are full, asked of the kernel."""

import logging
import socket
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from hookserve.arbiter.backlog import Backlog
from hookserve.listeners.queues import accept_queues, describe
from hookserve.testing import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag(7) is Linux's")


class Crowd:
    """A listener of which no worker accepts, and clients that come there."""

    def __init__(self, stack):
        self._stack = stack
        self._socket = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2))
        listener = SimpleNamespace(
            shown_address="127.0.0.1:80", socket=self._socket, fileno=self._socket.fileno
        )
        self.config = {}
        self.now = 100.0
        server = SimpleNamespace(
            listeners=(listener,),
            is_stopping=False,
            log=logging.getLogger("hookserve.test"),
            config=self.config,
        )
        self.listeners = server.listeners
        self.backlog = Backlog(server, lambda: self.now)

    def come(self, count):
        for _ in range(count):
            client = self._stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(self._socket.getsockname())
        wait_until(lambda: accept_queues(describe(self.listeners))[0].length == count)

    def pass_time(self, seconds):
        self.now += seconds
        self.backlog.step(self.now)


@pytest.fixture
def crowd():
    with ExitStack() as stack:
        yield Crowd(stack)


def test_a_queue_that_is_full_is_named_with_its_limit_once_in_a_while(crowd, caplog):
    crowd.come(3)  # one more than listen(2) was told
    for _ in range(5):
        crowd.pass_time(5)

    (line,) = caplog.messages
    assert line.startswith("the accept queue of 127.0.0.1:80 is full (3 wait, ")
    assert "allow 2)" in line
    assert "queue_timeout refuses" in line
    crowd.pass_time(60)
    assert len(caplog.messages) == 2


def test_what_is_set_is_not_advised(crowd, caplog):
    crowd.config["queue_timeout"] = 3.0
    crowd.come(3)
    crowd.pass_time(5)

    assert "full" in caplog.text
    assert "queue_timeout" not in caplog.text


def test_the_arbiter_is_woken_for_it_while_clients_wait_alone(crowd, caplog):
    crowd.pass_time(5)
    assert crowd.backlog.due(crowd.now) is None

    crowd.come(1)
    crowd.pass_time(5)

    assert crowd.backlog.due(crowd.now) == crowd.now + 5
    assert caplog.messages == []
