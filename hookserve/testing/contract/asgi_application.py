"""The application that the contract of ASGI models serves: a page for each thing a model must bear.

What happens besides responses is written to the file that the environment names.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from hookserve.testing.contract.application import BLOCK, FILE_VARIABLE, GO_ON
from hookserve.testing.contract.recorder import note

Scope = dict[str, Any]  # Any: as the specification of ASGI has it
Receive = Callable[[], Awaitable[dict[str, Any]]]  # Any: as above
Send = Callable[[dict[str, Any]], Awaitable[None]]  # Any: as above

_overlap = {"now": 0, "most": 0}
_seen: ContextVar[str] = ContextVar("_seen", default="nothing")
note("application")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the page that the path names (``/name`` or ``/name/argument``), or the lifespan."""
    if scope["type"] == "lifespan":
        await _live(scope, receive, send)
        return
    _, name, argument = (scope["path"] + "/").split("/", 2)
    page = PAGES.get(name)
    if page is None:
        await _respond(send, b"", 404)
    else:
        await page(scope, receive, send, argument.rstrip("/"))


def _write(word: str) -> None:
    path = os.environ.get(FILE_VARIABLE)
    if path:
        with open(path, "a", encoding="ascii") as file:
            file.write(f"{word}\n")


async def _live(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    scope["state"]["greeting"] = f"hello from {os.getpid()}"
    _write("startup")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    _write("shutdown")
    await send({"type": "lifespan.shutdown.complete"})


async def _respond(send: Send, body: bytes, status: int = 200) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def _pid(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    await _respond(send, b"%d" % os.getpid())


async def _state(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    await _respond(send, scope["state"]["greeting"].encode())


async def _sleep(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    try:
        await asyncio.sleep(float(argument))
    except asyncio.CancelledError:
        _write("cancelled")
        raise
    await _respond(send, b"%d" % os.getpid())


async def _overlapping(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    """Until so many requests are here at once."""
    _overlap["now"] += 1
    while _overlap["now"] < int(argument):
        await asyncio.sleep(0.01)
    await _respond(send, b"%d" % _overlap["now"])


async def _echo(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    """Each part of the body as it comes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    event = await receive()
    while event["type"] == "http.request":
        more = event["more_body"]
        await send({"type": "http.response.body", "body": event["body"], "more_body": more})
        if not more:
            return
        event = await receive()


async def _stream(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    """So many blocks; a line in the file for each that was taken."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(int(argument)):
        await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
        _write("block")
    await send({"type": "http.response.body", "body": b""})


async def _waiting(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    """For the end of the client."""
    while (await receive())["type"] != "http.disconnect":
        pass
    _write("disconnected")


async def _wait_for_test() -> None:
    """Until the test has made a file beside the other."""
    while not os.path.exists(os.environ[FILE_VARIABLE] + GO_ON):
        await asyncio.sleep(0.01)


async def _hold(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    await _wait_for_test()
    await _respond(send, b"%d" % os.getpid())


async def _later(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    """Goes on after its response, for so many seconds or until the test has made a file."""
    await _respond(send, b"begun")
    if argument:
        await asyncio.sleep(float(argument))
    else:
        await _wait_for_test()
    _write("done later")


async def _context(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    """What another request has left in a context variable."""
    found = _seen.get()
    _seen.set(argument)
    await asyncio.sleep(0)
    assert _seen.get() == argument
    await _respond(send, found.encode())


async def _fail(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    await asyncio.sleep(float(argument or "0"))
    raise ValueError("on purpose")


async def _talk(scope: Scope, receive: Receive, send: Send, argument: str) -> None:
    """A websocket that sends back what it receives."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})
    _write(f"closed {event['code']}")


PAGES: dict[str, Callable[[Scope, Receive, Send, str], Awaitable[None]]] = {
    "": _pid,
    "context": _context,
    "echo": _echo,
    "fail": _fail,
    "hold": _hold,
    "later": _later,
    "overlap": _overlapping,
    "sleep": _sleep,
    "state": _state,
    "stream": _stream,
    "talk": _talk,
    "waiting": _waiting,
}
"""By the first part of the path."""
