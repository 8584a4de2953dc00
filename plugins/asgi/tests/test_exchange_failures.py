"""Requests that fail: what the client gets, and what the log says."""

import asyncio
import logging

import pytest
from hookserve_asgi.exchange import AsgiExchange
from support.asgi import GET, HELLO, START, hello, part

from hookserve.protocol.seam import CLOSING, IDLE


@pytest.fixture
def log(caplog, monkeypatch):
    """The records of the fake worker's log."""

    def watch(client):
        worker = client.protocol.worker
        monkeypatch.setattr(worker, "log", logging.getLogger("hookserve.asgi.test"))
        return caplog

    return watch


@pytest.mark.parametrize("suspends", [False, True])
@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
def test_an_exception_before_the_head_is_an_error_page(connect, suspends, error):
    async def application(scope, receive, send):
        if suspends:
            await asyncio.sleep(0)
        raise error("on purpose")

    client = connect(application).feed(GET)

    status = b"500" if error is ValueError else b"503"
    expected = b"500" if error is asyncio.CancelledError and not suspends else status
    assert client.sent.startswith(b"HTTP/1.1 " + expected)
    assert client.state == CLOSING
    assert client.protocol.worker.ended[0][0] == 5


@pytest.mark.parametrize("suspends", [False, True])
def test_an_exception_after_the_head_cuts_the_response_off(connect, suspends):
    async def application(scope, receive, send):
        await send(START)
        await send(part(b"part", more=True))
        if suspends:
            await asyncio.sleep(0)
        raise ValueError("on purpose")

    client = connect(application).feed(GET)

    assert client.sent.endswith(b"\r\n\r\n4\r\npart\r\n")
    assert client.state == CLOSING


def test_an_exception_after_the_response_is_logged(connect, log):
    async def application(scope, receive, send):
        await hello(scope, receive, send)
        await asyncio.sleep(0)
        raise ValueError("on purpose")

    client = connect(application)
    records = log(client)
    client.feed(GET)

    assert client.sent == HELLO
    assert client.state == IDLE
    assert "after the response" in records.text


@pytest.mark.parametrize("suspends", [False, True])
@pytest.mark.parametrize("begins", [False, True])
def test_an_application_that_returns_early(connect, suspends, begins):
    async def application(scope, receive, send):
        if suspends:
            await asyncio.sleep(0)
        if begins:
            await send(START)

    client = connect(application).feed(GET)

    assert client.sent.startswith(b"HTTP/1.1 500")
    assert client.protocol.worker.ended[0][0] == 5


def test_an_application_that_returns_within_its_body(connect):
    async def application(scope, receive, send):
        await send(START)
        await send(part(b"part", more=True))

    client = connect(application).feed(GET)

    assert client.sent.endswith(b"4\r\npart\r\n")
    assert client.state == CLOSING


def test_a_request_over_its_time_is_cancelled(connect, log):
    async def application(scope, receive, send):
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    seen = []
    client = connect(application, request_timeout=0.01)
    records = log(client)
    client.feed(GET).wait(lambda: client.is_closed)

    assert seen == ["cancelled"]
    assert client.sent.startswith(b"HTTP/1.1 503")
    assert "GET /x?y=1: request_timeout (0.01 s)" in records.text


def test_work_after_the_response_is_not_cancelled_for_its_time(connect, loop):
    async def application(scope, receive, send):
        await asyncio.sleep(0)
        await hello(scope, receive, send)
        await asyncio.sleep(0.03)
        seen.append("end")

    seen = []
    connect(application, request_timeout=0.01).feed(GET).wait(lambda: seen)


def test_a_fault_of_an_observer_ends_the_request_all_the_same(connect, loop):
    client = connect(hello)

    def observe(*arguments):
        raise KeyboardInterrupt

    client.protocol.pre_request = (observe,)
    client.feed(GET)

    assert client.sent.startswith(b"HTTP/1.1 500")
    assert len(client.protocol.worker.ended) == 1


def test_a_fault_of_the_record_ends_the_request_all_the_same(connect, monkeypatch):
    def fail(exchange):
        raise ValueError("on purpose")

    monkeypatch.setattr(AsgiExchange, "complete_record", fail)
    client = connect(hello)
    client.protocol.notify_observers = print

    client.feed(GET)

    assert len(client.protocol.worker.ended) == 1
