"""What the tests of the reactor share."""

import asyncio
import logging
import socket
from types import SimpleNamespace

import pytest
from support.coroutines import BEFORE, turns
from support.green import HubWorker, LineProtocol, Requests
from support.reactors import Lines, Setting, close_worker
from support.workers import make_context

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.coroutines import CoroutineStarter
from hookserve.worker import base


@pytest.fixture
def setting():
    """Makes reactors with their workers, and clients of them."""
    made = Setting()
    yield made
    made.close()


@pytest.fixture
def pair():
    """Two ends of a connection; the first does not block."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


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
        close_worker(worker, end)


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


@pytest.fixture
def greens(make_worker, monkeypatch):
    """Makes workers with greenlets that have started, and connects clients to them."""
    made, sockets = [], []

    def make(application=lambda line: None, plugins=(), **settings):
        worker = make_worker(HubWorker, plugins=plugins, protocol_type=LineProtocol, **settings)
        clock = worker.clock
        fake_time = SimpleNamespace(monotonic=clock, time=clock, gmtime=None)
        monkeypatch.setattr(base, "time", fake_time)
        worker.prepare(worker.context.app)
        worker.application = application
        worker.start()
        made.append(worker)
        return worker

    def connect(worker, data=b""):
        client, accepted = socket.socketpair()
        client.settimeout(5)
        sockets.append(client)
        accepted.setblocking(False)
        found = Accepted(accepted.detach(), Requests(worker))
        worker.reactor.open[found.fd] = found
        worker.reactor.wait_for_head(found)
        client.sendall(data)
        return client

    yield SimpleNamespace(worker=make, connect=connect)
    for worker in made:
        worker.end_greenlets()
        assert worker.hub.errors == []
    for client in sockets:
        client.close()


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request):
    """Each event loop."""
    if request.param == "uvloop":
        loop = pytest.importorskip("uvloop").new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    unhandled = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    yield loop
    loop.close()
    assert not unhandled


@pytest.fixture
def starter(loop):
    """Starts coroutines on the loop."""
    token = BEFORE.set([])
    starter = CoroutineStarter(loop)
    BEFORE.reset(token)
    yield starter
    starter.close()
    turns(loop)
