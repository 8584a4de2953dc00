"""Whether a server answers rightly: asked before it is timed, so that wrong is not fast."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from benchmarks.cases import BARE_REQUEST, Case

_TIMEOUT = 5.0


class WrongResponseError(Exception):
    """The server does not do what it was asked; the message says what it does."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes
    is_last: bool
    """The server closes after it."""


def check(port: int, case: Case) -> None:
    """Raises WrongResponseError unless the answers to the case's requests are what they must be.

    Each answer in full; where the request has a body, its checksum as the application saw it; and
    each of the case's connections, while all are open, if they are kept at all.
    """
    for request, expected in case.questions:
        with Client(port) as client:
            for answer in client.ask(request, case.answers):
                compare(answer, expected)
    if case.is_kept and not answer.is_last:
        _check_connections(port, case.connections)


def _check_connections(port: int, count: int) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for _ in range(count)]
        for client in clients:
            client.send(BARE_REQUEST)
        for number, client in enumerate(clients):
            try:
                client.receive()
            except WrongResponseError:
                served = f"{number} of {count} connections"
                raise WrongResponseError(f"serves {served} that are kept") from None


def compare(answer: Answer, expected: bytes) -> None:
    """Raises WrongResponseError unless it is 200 with this body."""
    if answer.status != 200:
        raise WrongResponseError(f"answers {answer.status}")
    if answer.body != expected:
        shown = f"{answer.body[:24]!r}" if len(answer.body) < 64 else f"{len(answer.body)} bytes"
        raise WrongResponseError(f"answers {shown}, not what was asked for")


def warm_up(port: int, case: Case, seconds: float = 0.25) -> None:
    """The case's requests for a moment, one after another."""
    deadline = time.monotonic() + seconds
    client = Client(port)
    try:
        while time.monotonic() < deadline:
            given = client.ask(case.request, case.answers)
            if given[-1].is_last or not case.is_kept:
                client.close()
                client = Client(port)
    finally:
        client.close()


class Client:
    """A connection that is asked something and read with care; raises WrongResponseError."""

    def __init__(self, port: int) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), _TIMEOUT)
        except OSError as error:
            raise WrongResponseError(f"accepts no connection: {error}") from None
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, request: bytes, answers: int = 1) -> list[Answer]:
        self.send(request)
        return [self.receive() for _ in range(answers)]

    def send(self, request: bytes) -> None:
        try:
            self._socket.sendall(request)
        except OSError:
            return  # refused before it was read: the answer says why

    def receive(self) -> Answer:
        try:
            return read_answer(self._file)
        except TimeoutError:
            raise WrongResponseError(f"does not answer in {_TIMEOUT:.0f} s") from None
        except (OSError, ValueError, EOFError) as error:
            raise WrongResponseError(str(error) or "closes the connection") from None


def read_answer(file: BinaryIO) -> Answer:
    """The next response; raises EOFError when there is none, ValueError when it is not HTTP."""
    line = file.readline()
    if not line:
        raise EOFError("closes the connection without an answer")
    version, status, *_ = line.split()
    fields = {}
    while (line := file.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.lower()] = value.strip()
    is_last = version == b"HTTP/1.0" or fields.get("connection", "").lower() == "close"
    if "chunked" in fields.get("transfer-encoding", ""):
        return Answer(int(status), _read_chunks(file), is_last)
    if "content-length" in fields:
        return Answer(int(status), file.read(int(fields["content-length"])), is_last)
    return Answer(int(status), file.read(), is_last=True)


def _read_chunks(file: BinaryIO) -> bytes:
    pieces = []
    while size := int(file.readline().partition(b";")[0], 16):
        pieces.append(file.read(size))
        file.readline()
    while file.readline() not in (b"\r\n", b"\n", b""):
        continue
    return b"".join(pieces)
