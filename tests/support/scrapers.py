"""Clients that ask a plugin's address all the time, and count each failure."""

import http.client
import socket
import threading
import time

from hookserve.testing import wait_until
from hookserve.testing.waiting import DEADLINE


class Connection(http.client.HTTPConnection):
    """To the path of a unix socket, or to the host and port of an address."""

    def __init__(self, address):
        super().__init__("localhost", timeout=DEADLINE)
        self._address = address

    def connect(self):
        self.sock = socket.socket(
            socket.AF_INET if isinstance(self._address, tuple) else socket.AF_UNIX
        )
        self.sock.settimeout(DEADLINE)
        try:
            self.sock.connect(self._address)
        except OSError:
            self.sock.close()
            raise


def ask(address, path="/", method="GET"):
    """The status of the response, on a connection of its own."""
    connection = Connection(address)
    try:
        connection.request(method, path, headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


class Scrapers:
    """A thread for each request, which are tuples as `ask` takes them; each is to get a 200."""

    def __init__(self, *requests):
        self.failures = []
        self.longest = 0.0
        """What the slowest response has taken, in seconds."""
        self._count = dict.fromkeys(requests, 0)
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[each]) for each in requests]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_each(self):
        """Wait until each has been answered once more, or one has failed."""
        before = dict(self._count)
        wait_until(
            lambda: self.failures or all(self._count[each] > before[each] for each in before)
        )

    def _run(self, request):
        while not self._is_over.wait(0.01):
            began = time.monotonic()
            try:
                status = ask(*request)
            except (OSError, http.client.HTTPException) as error:
                status = f"{type(error).__name__}: {error}"
            self.longest = max(self.longest, time.monotonic() - began)
            self._count[request] += 1
            if status != 200:
                self.failures.append((request, status))
