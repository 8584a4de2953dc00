"""What the tests of ASGI share."""

import asyncio

import pytest
from support.asgi import Client, Transport, make_protocol
from support.coroutines import turns


@pytest.fixture
def loop():
    """An event loop on which nothing fails unseen."""
    loop = asyncio.new_event_loop()
    unhandled = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    yield loop
    for task in asyncio.all_tasks(loop):
        task.cancel()
    turns(loop)
    loop.close()
    assert not unhandled


@pytest.fixture
def connect(loop):
    """Makes a client of an application."""

    def connect(application, transport=None, **settings):
        protocol = make_protocol(loop, application, **settings)
        starters.append(protocol.worker.starter)
        return Client(protocol, transport or Transport())

    starters = []
    yield connect
    for each in starters:
        each.close()
    turns(loop)
