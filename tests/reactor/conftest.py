"""What the tests of the reactor share."""

import logging
import os
import socket

import pytest
from support.reactors import Lines, Setting, close_reactor, wakeup_fds
from support.workers import make_context

from hookserve.reactor.accepted import Accepted


@pytest.fixture
def setting():
    """Makes reactors with their workers, and clients of them."""
    made = Setting()
    yield made
    made.close()


@pytest.fixture
def make_worker():
    """Makes a worker of a class, in this process, that listens to nothing."""
    made = []

    def make(worker_class, **settings):
        context, end = make_context(logging.getLogger("test"), **settings)
        worker = worker_class(context)
        made.append((worker, end))
        return worker

    yield make
    for worker, end in made:
        close_reactor(worker.reactor)
        for fd in wakeup_fds(worker._Worker__wakeup):
            os.close(fd)
        worker.context.channel.close()
        end.close()


@pytest.fixture
def connect():
    """Gives a reactor a connection that it reads from at once; returns the client's socket."""
    clients = []

    def connect(reactor, data=b"", protocol=Lines):
        client, accepted = socket.socketpair()
        clients.append(client)
        client.settimeout(5)
        accepted.setblocking(False)
        client.sendall(data)
        found = Accepted(accepted.detach(), protocol())
        reactor.open[found.fd] = found
        reactor.receive(found)
        return client

    yield connect
    for client in clients:
        client.close()
