"""The application of the cells; its import costs what `CHAOS_IMPORT` says, in seconds of CPU."""

import os
import re
import time
from pathlib import Path

from hookserve.testing.announcer import announce

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
    path = environ["PATH_INFO"]
    if path == "/in-c":
        # One call into C that never gives the interpreter back.
        re.match(r"(a+)+$", "a" * 60 + "b")
    body = LARGE if path == "/large" else b"served\n"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
