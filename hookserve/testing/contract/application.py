"""The application that the worker contract serves: one page for each thing a model must bear."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hookserve.testing.contract import plans
from hookserve.testing.waiting import wait_until

Environ = dict[str, Any]  # Any: PEP 3333
StartResponse = Callable[..., Callable[[bytes], object]]

BLOCK = b"0123456789abcdef" * 4096
"""64 KiB: what ``/stream`` and ``/file`` consist of."""

_overlap = {"now": 0, "most": 0}


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Serve the page that the path names: ``/name`` or ``/name/argument``."""
    _, name, argument = (environ["PATH_INFO"] + "/").split("/", 2)
    page = PAGES.get(name)
    if page is None:
        start_response("404 Not Found", [("Content-Length", "0")])
        return []
    return page(environ, start_response, argument.rstrip("/"))


def _answer(start_response: StartResponse, body: bytes) -> list[bytes]:
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def _pid(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    return _answer(start_response, f"{os.getpid()}".encode())


def _sleep(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    time.sleep(float(argument))  # an application that is slow
    return _answer(start_response, f"{os.getpid()}".encode())


def _hold(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    """Until the test lets it go on: the file exists then."""
    wait_until(lambda: os.path.exists(os.environ[FILE_VARIABLE]))
    return _answer(start_response, f"{os.getpid()}".encode())


def _spin(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    """Computes for ever, and gives no other request a turn."""
    while True:
        pass


def _echo(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    return _answer(start_response, environ["wsgi.input"].read())


def _digest(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    digest, size = hashlib.sha256(), 0
    while chunk := environ["wsgi.input"].read(65536):
        digest.update(chunk)
        size += len(chunk)
    return _answer(start_response, f"{size} {digest.hexdigest()}".encode())


def _unread(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    return _answer(start_response, b"unread")


def _stream(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    """So many blocks, made one after another."""
    start_response("200 OK", [])
    return (BLOCK for _ in range(int(argument)))


def _whole(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    """So many blocks in one piece."""
    return _answer(start_response, BLOCK * int(argument))


class _CountingFile:
    """A file that knows how often it was read from."""

    reads = 0

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")  # noqa: SIM115  # the server closes it
        self.fileno, self.tell, self.seek = self._file.fileno, self._file.tell, self._file.seek
        self.close = self._file.close

    def read(self, size: int = -1) -> bytes:
        _CountingFile.reads += 1
        return self._file.read(size)


def _file(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    start_response("200 OK", [])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](
        _CountingFile(os.environ[FILE_VARIABLE])
    )
    return wrapped


def _file_reads(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    return _answer(start_response, str(_CountingFile.reads).encode())


def _environ(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    names = ("wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once", "REMOTE_ADDR", "SERVER_PORT")
    found = {name: environ[name] for name in names}
    found["thread"] = threading.current_thread().name
    return _answer(start_response, json.dumps(found).encode())


def _overlapping(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    """How many requests were here at once."""
    _overlap["now"] += 1
    _overlap["most"] = max(_overlap["most"], _overlap["now"])
    time.sleep(float(argument))  # an application that is slow
    _overlap["now"] -= 1
    return _answer(start_response, str(_overlap["most"]).encode())


def _fail(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    raise {"ValueError": ValueError, "SystemExit": SystemExit}[argument]("on purpose")


def _taken(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    """Takes the connection over and echoes what comes; without the entry it says so."""
    take_over = environ.get("hookserve.take_over")
    if take_over is None:
        return _answer(start_response, b"not here")
    client: socket.socket
    client = take_over(lambda: client.sendall(b"leave"))
    with client:
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        while data := client.recv(65536):
            client.sendall(data)
    return []


class _Closing:
    """A body that notes when it is closed."""

    def __init__(self, path: str, count: int) -> None:
        self._path = path
        self._count = count

    def __iter__(self) -> Iterator[bytes]:
        return (BLOCK for _ in range(self._count))

    def close(self) -> None:
        with open(self._path, "a") as file:
            file.write("closed\n")


def _closing(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    start_response("200 OK", [])
    return _Closing(os.environ[FILE_VARIABLE] + ".closed", int(argument))


FILE_VARIABLE = "CONTRACT_FILE"
"""The environment variable with the path of the file that ``/file`` serves."""
GO_ON = ".go_on"
"""What the name of the file ends with for which a page of ASGI waits."""

PAGES: dict[str, Callable[[Environ, StartResponse, str], Iterable[bytes]]] = {
    "": _pid,
    "sleep": _sleep,
    "hold": _hold,
    "spin": _spin,
    "echo": _echo,
    "taken": _taken,
    "digest": _digest,
    "unread": _unread,
    "stream": _stream,
    "whole": _whole,
    "file": _file,
    "file-reads": _file_reads,
    "environ": _environ,
    "overlap": _overlapping,
    "fail": _fail,
    "closing": _closing,
    "plan": plans.run_plan,
    "input": plans.call_input,
    "closes": plans.count_closes,
}
