"""Responses that do not end by themselves."""

import os
import time
from pathlib import Path


def application(environ, start_response):
    if environ["PATH_INFO"] == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return events()
    if environ["PATH_INFO"] == "/nothing":
        start_response("200 OK", [])
        return Nothing(Path(os.environ["TEST_FOLDER"]))
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def events():
    while True:
        yield b"data: tick\n\n"
        time.sleep(0.02)  # the application's own pace


class Nothing:
    """Chunks without a byte, until a file says that it is enough."""

    def __init__(self, folder):
        self._folder = folder

    def __iter__(self):
        (self._folder / "begun").touch()
        while not (self._folder / "enough").exists():
            yield b""
            time.sleep(0.01)  # the application's own pace

    def close(self):
        with (self._folder / "closed").open("a") as file:
            file.write("once\n")
