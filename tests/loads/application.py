"""The application of ASGI that is loaded."""

import asyncio
import json

from tests.support.columns import live

BLOCK = bytes(range(256)) * 256
"""64 KiB, of which large responses are made."""
endings = []
"""How the large responses ended."""


async def application(scope, receive, send):
    """Serve a path, a websocket, or the lifespan."""
    if scope["type"] == "lifespan":
        await live(receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    elif scope["path"] == "/sleep":
        await asyncio.sleep(float(scope["query_string"]))
        await respond(send, b"slept")
    elif scope["path"] == "/endings":
        await respond(send, json.dumps(endings).encode())
    else:
        await stream(send, int(scope["query_string"]))


async def respond(send, body):
    """A response as a whole."""
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def stream(send, blocks):
    """A response of so many blocks, one after another."""
    headers = [(b"content-length", b"%d" % (blocks * len(BLOCK)))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        for number in range(blocks):
            is_last = number == blocks - 1
            await send({"type": "http.response.body", "body": BLOCK, "more_body": not is_last})
    except OSError as error:
        endings.append(type(error).__name__)
        raise
    endings.append("all was sent")


async def echo(receive, send):
    """A websocket that sends back what it receives."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})
