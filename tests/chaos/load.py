"""The client: a constant load that counts every failure.

``python -m tests.chaos.load HOST PORT KEPT FRESH RATE [METHOD...]``

One thread and one epoll drive connections that are kept as long as the server keeps them, and
fresh ones for a single request each.  It reads on its standard input what happens (``draining``:
the server stops, so that a refused connection is no failure any more; ``stop``: enough) and tells
on its standard output, ten times a second and at the end, how far it is.

What is a failure: a connection that is refused, reset, or closed before the whole response was
there, wherever in between; a status that is not 200; a response that is longer than it said, or
that did not come in time.  A kept connection that the server closes while no request is under way
is not a failure: it is counted apart.
"""

import errno
import json
import os
import select
import socket
import sys
import time
from collections import Counter, deque

KEPT, FRESH = "kept", "fresh"
_OPTION = {KEPT: b"", FRESH: b"Connection: close\r\n"}
_BODY = {"GET": b"\r\n", "POST": b"Content-Length: 6\r\n\r\nposted"}
RESPONSE_TIMEOUT = 20.0
RETRY_PAUSE = 0.02
MOST_FAILURES = 2000
_CONNECTING = (errno.EINPROGRESS, errno.EAGAIN)


class Connection:
    """One of the client's connections, or the place of one."""

    __slots__ = (
        "awaits_response",
        "buffer",
        "is_connected",
        "kind",
        "request",
        "sent_at",
        "socket",
    )

    def __init__(self, kind, method):
        self.kind = kind
        head = f"{method} / HTTP/1.1\r\nHost: chaos\r\n".encode()
        self.request = head + _OPTION[kind] + _BODY[method]
        self.socket = None
        self.buffer = b""
        self.awaits_response = self.is_connected = False
        self.sent_at = 0.0


class Load:
    """The load and its record."""

    def __init__(self, address, kept, fresh, rate, methods=("GET",)):
        self.address = address
        self.rate = rate
        self.answered = {KEPT: 0, FRESH: 0}
        self.failures = []
        self.failure_count = 0
        self.idle_closes = self.refused_at_end = 0
        self.gap = self.gap_at = self.last = 0.0
        self.hiccup = 0.0
        """The longest that this process itself was held up."""
        self.is_draining = False
        self.began = time.monotonic()
        self._poller = select.epoll()
        self._by_fd = {}
        self._waiting = deque()
        self._later = deque()
        for number in range(max(kept, fresh)):
            # One of each kind in turn, so that both have their share from the start.
            for kind, count in ((KEPT, kept), (FRESH, fresh)):
                if number < count:
                    method = methods[number % len(methods)]
                    self._waiting.append(Connection(kind, method))
        self._places = len(self._waiting)

    def run(self, commands):
        """Ask until told to stop; `commands` is a descriptor."""
        self._poller.register(commands, select.EPOLLIN)
        issued, sent_at, is_over = 0, 0.0, False
        while not is_over and self._places:
            before = time.monotonic()
            events = self._poller.poll(0.001)
            now = time.monotonic()
            if not events:
                self.hiccup = max(self.hiccup, now - before - 0.001)
            for fd, event in events:
                if fd == commands:
                    is_over = self._obey(os.read(commands, 100))
                else:
                    self._handle(self._by_fd[fd], event, now)
            while self._later and self._later[0].sent_at <= now - RETRY_PAUSE:
                self._waiting.append(self._later.popleft())
            # What a stall has held up is not made up for.
            due = int((now - self.began) * self.rate) - issued
            issued += max(0, due - self._places)
            for _ in range(min(due, len(self._waiting))):
                issued += 1
                self._ask(self._waiting.popleft(), now)
            if now - sent_at > 0.1:
                sent_at = now
                self._expire(now)
                self.report(is_over=False)
        self.finish()

    def finish(self):
        """The silence up to the end counts, but for the end of the server itself."""
        if self.last and not self.is_draining:
            self._note_gap(time.monotonic())

    def report(self, is_over):
        record = {
            "answered": sum(self.answered.values()),
            "failures": self.failure_count,
            "draining": self.is_draining,
        }
        if is_over:
            seconds = time.monotonic() - self.began
            record |= {
                "by kind": self.answered,
                "failed": self.failures,
                "counts": Counter(f"{kind} ({where})" for kind, _, where, _ in self.failures),
                "idle closes": self.idle_closes,
                "refused at the end": self.refused_at_end,
                "gap": self.gap,
                "gap at": self.gap_at,
                "hiccup": self.hiccup,
                "seconds": seconds,
            }
        os.write(1, json.dumps({**record, "over": is_over}).encode() + b"\n")

    def _obey(self, data):
        if b"draining" in data:
            self.is_draining = True
            self.report(is_over=False)
        return b"stop" in data or not data

    # One request.

    def _ask(self, connection, now):
        connection.sent_at, connection.awaits_response = now, True
        if connection.socket is not None:
            self._send(connection)
            return
        connection.buffer = b""
        connection.is_connected = False
        connection.socket = made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        code = made.connect_ex(self.address)
        self._by_fd[made.fileno()] = connection
        if code and code not in _CONNECTING:
            self._poller.register(made.fileno(), 0)
            self._fail(connection, code)
            return
        self._poller.register(made.fileno(), select.EPOLLOUT)

    def _send(self, connection):
        try:
            connection.socket.send(connection.request)
        except OSError as error:
            self._fail(connection, error.errno)

    def _handle(self, connection, event, now):
        if not connection.is_connected:
            code = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._fail(connection, code)
                return
            connection.is_connected = True
            self._poller.modify(connection.socket.fileno(), select.EPOLLIN)
            self._send(connection)
            return
        try:
            data = connection.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if connection.awaits_response:
                self._fail(connection, error.errno)
            else:
                self._part(connection)
            return
        if data:
            connection.buffer += data
            self._read(connection, now)
        elif connection.awaits_response:
            self._fail(connection, "short" if connection.buffer else "closed unanswered")
        else:
            self.idle_closes += 1
            self._part(connection)

    def _read(self, connection, now):
        head, end, body = connection.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        lowered = head.lower()
        if not connection.awaits_response:
            self._fail(connection, "unasked bytes")
            return
        if not lowered.startswith(b"http/1.1 200 "):
            self._fail(connection, f"status {head[9:12].decode('latin-1')}")
            return
        length = int(lowered.partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        if len(body) > length:
            self._fail(connection, "too long")
            return
        self.answered[connection.kind] += 1
        if self.last:
            self._note_gap(now)
        self.last = now
        connection.awaits_response, connection.buffer = False, b""
        if connection.kind == FRESH or b"\r\nconnection: close" in lowered:
            self._close(connection)
        self._waiting.append(connection)

    def _note_gap(self, now):
        if now - self.last > self.gap:
            self.gap, self.gap_at = now - self.last, self.last - self.began

    def _part(self, connection):
        """The server has closed while nothing was under way; the place waits for its turn."""
        self._close(connection)

    def _fail(self, connection, why):
        port = connection.socket.getsockname()[1]
        self._close(connection)
        connection.awaits_response = False
        if self.is_draining and why == errno.ECONNREFUSED:
            self.refused_at_end += 1
            self._places -= 1
            return
        self.failure_count += 1
        if len(self.failures) < MOST_FAILURES:
            kind = errno.errorcode.get(why, str(why)) if isinstance(why, int) else why
            self.failures.append((kind, time.monotonic() - self.began, connection.kind, port))
        connection.sent_at = time.monotonic()
        self._later.append(connection)

    def _close(self, connection):
        if connection.socket is not None:
            fd = connection.socket.fileno()
            self._poller.unregister(fd)
            del self._by_fd[fd]
            connection.socket.close()
            connection.socket = None

    def _expire(self, now):
        for connection in list(self._by_fd.values()):
            if connection.awaits_response and now - connection.sent_at > RESPONSE_TIMEOUT:
                self._fail(connection, "no answer")


def main():
    host, port, kept, fresh, rate, *methods = sys.argv[1:]
    load = Load((host, int(port)), int(kept), int(fresh), float(rate), methods or ("GET",))
    load.run(0)
    load.report(is_over=True)


if __name__ == "__main__":
    main()
