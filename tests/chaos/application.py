"""The application of the cells, of WSGI and of ASGI.

Its import costs what `CHAOS_IMPORT` says, in seconds of CPU.
"""

import asyncio
import os
import re
import time
from pathlib import Path

from hookserve.testing.announcer import announce
from tests.support.columns import live

DIRECTORY = Path(os.environ.get("CHAOS_DIRECTORY", "."))
LARGE = b"x" * 200_000


def _work(seconds):
    began, before = time.monotonic(), time.process_time()
    while time.process_time() - before < seconds:
        pass
    announce("imported", seconds=time.monotonic() - began)


if (DIRECTORY / "broken").exists():
    raise RuntimeError("the new code is broken")
_work(float(os.environ.get("CHAOS_IMPORT", "0.15")))


def application(environ, start_response):
    body = respond(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi_application(scope, receive, send):
    """Suspends each request for a turn of the loop, as one that asks a database does."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    body = respond(scope["path"])
    await asyncio.sleep(0)
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def respond(path):
    """The body of the response."""
    if path == "/in-c":
        # One call into C that never gives the interpreter back.
        re.match(r"(a+)+$", "a" * 60 + "b")
    return LARGE if path == "/large" else b"served\n"
