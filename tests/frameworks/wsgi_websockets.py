"""Websockets of a WSGI application, by flask-sock, under each model that hands connections over."""

import asyncio
import signal
import socket

from websockets.exceptions import ConnectionClosed

from hookserve.testing import serve
from hookserve.testing.waiting import wait_until
from tests.frameworks.driver import APPS, Cell, check, echo_once, websocket_to

MODELS = ("sync", "gthread", "gevent", "eventlet", "asyncio")
THREADED = ("gthread", "asyncio")
GRACE = 3


def drive(model, certificates):
    """A cell for each column of the table of frameworks."""
    with _serve(model, proxy_protocol="auto") as server:
        proxied = _ask(server, None, Cell(), b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
    return *_drive(model, None, {}, proxied), *_drive(
        model, certificates.context, certificates.settings, Cell()
    )


def _drive(model, context, settings, cell):
    with _serve(model, **settings) as server:
        at_rest = _ask(server, context, cell)
        at_reload = asyncio.run(_while_it_changes(server, context, signal.SIGHUP))
    with _serve(model, **settings) as server:
        at_stop = asyncio.run(_while_it_changes(server, context, signal.SIGTERM))
        check(at_stop, "exit code", server.wait() == 0)
        check(at_stop, "no worker is killed", "timed out" not in server.log, server.log)
    return at_rest, at_reload, at_stop


def _serve(model, **settings):
    settings |= {"graceful_timeout": GRACE}
    if model in THREADED:
        settings["threads"] = 4
    return serve("flask_sock_app:app", worker=model, workers=2, chdir=APPS, settings=settings)


def _ask(server, context, cell, header=b""):
    """Messages, close codes of either side, and a client that goes away."""
    for ask in (_echo, _closed_by_server, _closed_by_client, _gone):
        for _ in range(3):
            try:
                check(cell, ask.__name__, *asyncio.run(ask(server, context, header)))
            except Exception as error:  # whatever goes wrong is the cell's
                cell.failures.append(f"{ask.__name__}: {error!r}")
    return cell


def _connect(server, context, header):
    if not header:
        return websocket_to(server.address, context)
    connected = socket.create_connection(server.address, timeout=10)
    connected.sendall(header)
    return websocket_to(server.address, context, sock=connected)


async def _echo(server, context, header):
    if not header:
        return await echo_once(server.address, context)
    async with _connect(server, context, header) as websocket:
        await websocket.send("x")
        return await websocket.recv() == "x", ""


async def _closed_by_server(server, context, header):
    async with _connect(server, context, header) as websocket:
        await websocket.send("close")
        try:
            await websocket.recv()
        except ConnectionClosed as error:
            return error.rcvd is not None and error.rcvd.code == 4001, error


async def _closed_by_client(server, context, header):
    async with _connect(server, context, header) as websocket:
        await websocket.send("x")
        await websocket.recv()
        await websocket.close(4002)
        return websocket.close_code == 4002, websocket.close_code


async def _gone(server, context, header):
    async with _connect(server, context, header) as websocket:
        await websocket.send("x")
        await websocket.recv()
        websocket.transport.abort()
    return await echo_once(server.address, context) if not header else (True, "")


async def _while_it_changes(server, context, number):
    """A websocket goes on while its worker stops, and ends within `graceful_timeout`."""
    cell = Cell()
    async with websocket_to(server.address, context) as websocket:
        await websocket.send("before")
        check(cell, "before", await websocket.recv() == "before")
        server.signal(number)
        wait_until(lambda: "stopping" in server.log or "reloading" in server.log)
        await websocket.send("after")
        check(cell, "after", await websocket.recv() == "after")
        try:
            await asyncio.wait_for(websocket.recv(), GRACE * 3)
        except ConnectionClosed:
            check(cell, "it ends", True)
    if number == signal.SIGHUP:
        server.wait_for("reloaded")
        check(cell, "the new workers", *await echo_once(server.address, context))
    return cell
