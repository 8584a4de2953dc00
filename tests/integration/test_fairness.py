"""Kept connections are shared by the workers, whether they come one by one or all at once."""

import socket
import statistics
from collections import Counter
from contextlib import ExitStack

import pytest
from support.paths import SUPPORT

from hookserve.testing import serve

# sync keeps a connection only while none waits: there it is requests that are shared.
MODELS = ("gthread", "epoll", "asyncio", "gevent", "eventlet", "tornado")
CONNECTIONS = 64
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

pytestmark = pytest.mark.serial


def answerer(client):
    client.sendall(REQUEST)
    return client.recv(4096).partition(b"\r\n\r\n")[2]


def smallest_share(pids, workers):
    counts = Counter(pids)
    return min(counts.values()) / len(pids) if len(counts) == workers else 0.0


def burst(address):
    """The workers that answer on connections that were opened at once."""
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket()) for _ in range(CONNECTIONS)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(address)
        for client in clients:
            client.settimeout(10)
        return [answerer(client) for client in clients]


@pytest.mark.parametrize("worker", MODELS)
@pytest.mark.parametrize("workers", [2, 4])
def test_connections_that_come_one_by_one_are_shared(worker, workers):
    with (
        serve("applications:hello", worker=worker, workers=workers, chdir=SUPPORT) as server,
        ExitStack() as stack,
    ):
        pids = []
        for _ in range(CONNECTIONS):
            client = stack.enter_context(socket.create_connection(server.address, timeout=10))
            pids.append(answerer(client))

    assert smallest_share(pids, workers) >= 0.7 / workers, Counter(pids)


@pytest.mark.parametrize("worker", MODELS)
def test_connections_that_come_at_once_are_shared(worker):
    with serve("applications:hello", worker=worker, workers=2, chdir=SUPPORT) as server:
        shares = [smallest_share(burst(server.address), 2) for _ in range(9)]

    # On a machine that does other things, a worker may come too late to some.
    assert statistics.median(shares) >= 0.3, shares
