"""The good client: ``python -m tests.hostile.visitor HOST PORT RATE``, until its input ends.

It asks at a constant rate, in turn on a connection that is kept as long as the server keeps it and
on a fresh one.  A latency counts from the moment at which the request was due: one that waits
makes those behind it late, as it would be with many clients.
"""

import json
import select
import socket
import sys
import time

TIMEOUT = 10.0
ASK = b"GET / HTTP/1.1\r\nHost: visitor\r\n%s\r\n"
BODY = b"\r\n\r\nhello, world\n"


class Visitor:
    """Asks, one request after another."""

    def __init__(self, address):
        self._address = address
        self._kept = None
        self.latencies = []
        self.failures = []

    def visit(self, due, is_kept):
        try:
            self._ask(is_kept)
        except OSError as error:
            self.failures.append(f"{'kept' if is_kept else 'fresh'}: {error!r}")
            self._close()
        self.latencies.append(time.monotonic() - due)

    def _ask(self, is_kept):
        if not is_kept:
            with socket.create_connection(self._address, TIMEOUT) as fresh:
                fresh.sendall(ASK % b"Connection: close\r\n")
                _read(fresh)
            return
        if self._kept is not None and select.select([self._kept], [], [], 0)[0]:
            self._close()  # the server has closed what was idle, as it may
        if self._kept is None:
            self._kept = socket.create_connection(self._address, TIMEOUT)
        self._kept.sendall(ASK % b"")
        if b"\r\nConnection: close" in _read(self._kept):
            self._close()

    def _close(self):
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def _read(connection):
    data = b""
    while not data.endswith(BODY):
        more = connection.recv(65536)
        if not more:
            raise ConnectionError(f"closed after {data[:40]!r}")
        data += more
    if not data.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"answered {data[:40]!r}")
    return data


def main():
    host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    visitor = Visitor((host, port))
    due = time.monotonic()
    count = 0
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        visitor.visit(due, count % 2)
        count += 1
        due += 1.0 / rate
    print(json.dumps({"latencies": visitor.latencies, "failures": visitor.failures}))


if __name__ == "__main__":
    main()
