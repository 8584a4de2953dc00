"""What the servers of ASGI serve: no framework, the same for all."""

from __future__ import annotations

from benchmarks.application import HELLO

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(HELLO))],
}
_BODY = {"type": "http.response.body", "body": HELLO}


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await serve_lifespan(receive, send)
        return
    await send(_START)
    await send(_BODY)


async def serve_lifespan(receive, send):
    """Nothing is to be done at the start, nor at the end."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
