"""Clients for the contract: raw sockets, so that each byte and each moment is the test's own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType

from hookserve.testing import kernel
from hookserve.testing.waiting import DEADLINE, wait_until

Address = tuple[str, int]


def request(path: str = "/", extra: str = "", method: str = "GET", body: bytes = b"") -> bytes:
    """A request of HTTP/1.1; `extra` are further header lines, each with its end."""
    if body:
        extra += f"Content-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: contract\r\n{extra}\r\n".encode() + body


class Response:
    """One response."""

    def __init__(self, head: bytes | bytearray, body: bytes) -> None:
        self.head = head.decode("latin-1")
        self.status = int(self.head.split(" ", 2)[1])
        self.body = body

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def closes(self) -> bool:
        """Whether the server announced that it closes the connection."""
        return "\r\nconnection: close" in self.head.lower()


class Closed(ConnectionError):
    """The server closed the connection before a whole response was there."""


class Client:
    """One connection."""

    def __init__(self, address: Address, receive_buffer: int = 0) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self._unread = bytearray()  # bytes would be copied with each piece that comes

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def ask(self, data: bytes) -> Response:
        """Send a request and read its response."""
        self.send(data)
        return self.read()

    def read(self, is_bodiless: bool = False) -> Response:
        """Read one response; raises Closed when the server closes first."""
        while b"\r\n\r\n" not in self._unread:
            self._more()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        lowered = head.lower()
        if is_bodiless or lowered.startswith(b"http/1.1 100"):
            return Response(head, b"")
        if b"\r\ntransfer-encoding: chunked" in lowered:
            return Response(head, b"".join(self._chunks()))
        if b"\r\ncontent-length:" not in lowered:
            return Response(head, b"")
        length = int(lowered.partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0])
        while len(self._unread) < length:
            self._more()
        body, self._unread = self._unread[:length], self._unread[length:]
        return Response(head, bytes(body))

    def read_bytes(self, size: int) -> bytes:
        """So many bytes; raises Closed when the server closes first."""
        while len(self._unread) < size:
            self._more()
        found, self._unread = self._unread[:size], self._unread[size:]
        return bytes(found)

    def read_to_end(self) -> bytes:
        """Everything until the server closes."""
        with contextlib.suppress(Closed):
            while True:
                self._more()
        return bytes(self._unread)

    def _chunks(self) -> Iterator[bytes | bytearray]:
        while True:
            while b"\r\n" not in self._unread:
                self._more()
            line, _, self._unread = self._unread.partition(b"\r\n")
            size = int(line, 16)
            while len(self._unread) < size + 2:
                self._more()
            chunk, self._unread = self._unread[:size], self._unread[size + 2 :]
            if not size:
                return
            yield chunk

    def _more(self) -> None:
        data = self.socket.recv(1 << 20)
        if not data:
            raise Closed("the server closed the connection")
        self._unread += data


def wait_until_read(clients: Sequence[Client]) -> None:
    """Wait until the server has accepted all of them and read what each has sent."""
    for client in clients:
        wait_until(partial(kernel.is_read, client.socket))


def ask(address: Address, path: str = "/", body: bytes = b"") -> Response:
    """One request on a connection of its own; a POST when there is a body."""
    with Client(address) as client:
        method = "POST" if body else "GET"
        return client.ask(request(path, "Connection: close\r\n", method, body))


def is_refused(address: Address, seconds: float = 5.0) -> bool:
    """Whether the kernel refuses a new connection; raises TimeoutError when it leaves that open."""
    try:
        with socket.create_connection(address, seconds):
            return False
    except ConnectionRefusedError:
        return True


def in_parallel(count: int, work: Callable[[int], object]) -> list[object]:
    """What `work(0)` to `work(count - 1)` return, or the exception that they raise, each in a
    thread of its own."""
    found: list[object] = [None] * count

    def run(number: int) -> None:
        try:
            found[number] = work(number)
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


class Load:
    """A constant load, with each failure counted: one thread on a connection that is kept as long
    as the server keeps it, one with a fresh connection for each request."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._is_over = threading.Event()
        self.open: Callable[[Address], Client] = Client
        """Makes a connection."""
        self.responses_read = 0
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._run, args=[step]) for step in (self._kept, self._fresh)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait for so many more responses, or for a failure."""
        goal = self.responses_read + count
        wait_until(lambda: self.responses_read >= goal or self.failures)

    def _run(self, step: Callable[[], None]) -> None:
        while not self._is_over.is_set():
            try:
                step()
            except (OSError, ValueError) as error:
                self.failures.append(f"{step.__name__}: {type(error).__name__}: {error}")
                time.sleep(0.01)  # a server that is gone is not asked at full speed

    def _kept(self) -> None:
        with self.open(self._address) as client:
            while not self._is_over.is_set():
                response = client.ask(request())
                self._count(response)
                if response.closes:
                    return

    def _fresh(self) -> None:
        with self.open(self._address) as client:
            self._count(client.ask(request("/", "Connection: close\r\n")))

    def _count(self, response: Response) -> None:
        if response.status == 200:
            self.responses_read += 1
        else:
            self.failures.append(f"status {response.status}")
