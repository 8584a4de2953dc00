"""The auxiliary processes: one answers at the plugin's own addresses, one runs the checks.

One thread, one poll(2); it sleeps until it is asked.  It does not wait for clients: each has
`_CLIENT_TIME` seconds, and there are at most `_MOST` of them.
"""

from __future__ import annotations

import select
import signal
import time
from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING

from hookserve.system.calls import close, read, set_signal, write
from hookserve.worker.wakeup import Wakeup

if TYPE_CHECKING:
    from hookserve.listeners.listener import Listener
    from hookserve.worker.termination import Termination
    from hookserve_health.checks import Checker

_CLIENT_TIME = 5.0
_MOST = 64
_END_TIME = 0.5
"""Seconds for those that are connected at the end."""
_END_PAUSE = 0.1

Respond = Callable[[bytes], bytes | None]


class _Client:
    def __init__(self, fd: int, respond: Respond, deadline: float) -> None:
        self.fd, self.respond, self.deadline = fd, respond, deadline
        self.received = b""


class Service:
    """Serves until the last worker of a server that stops is gone, or another process follows."""

    def __init__(
        self,
        listeners: Mapping[Listener, Respond],
        termination: Termination,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listeners = {each.fileno(): (each, respond) for each, respond in listeners.items()}
        self._termination = termination
        self._clock = clock
        self._clients: dict[int, _Client] = {}
        self._poll = select.poll()
        self._wakeup = Wakeup()
        self.checker: Checker | None = None
        """For the application's checks, if there are any."""
        for fd in (self._wakeup.fileno(), *self._listeners):
            self._poll.register(fd, select.POLLIN)

    def wake(self) -> None:
        """End the wait; from any thread."""
        self._wakeup.notify()

    def run(self) -> None:
        """Answer until the end."""
        self._wakeup.listen()
        set_signal(signal.SIGTERM, self._termination.on_sigterm)
        if self.checker is not None:
            self.checker.begin(self._clock())
        while not self._termination.is_over():
            self.turn(self._time_left())
        self.finish()
        if self.checker is not None:
            self.checker.end()
        self._termination.exit()

    def finish(self) -> None:
        """Answer those that are connected already, and no others."""
        for fd in self._listeners:
            self._poll.unregister(fd)
        until = self._clock() + _END_TIME
        while self._clients and self._clock() < until:
            self.turn(_END_PAUSE)

    def turn(self, seconds: float) -> None:
        """Wait for at most that long, and do what is due."""
        events = self._poll.poll(None if seconds == inf else max(0.0, seconds) * 1000)
        for fd, _ in events:
            if fd == self._wakeup.fileno():
                self._wakeup.clear()
            elif fd in self._listeners:
                self._accept(*self._listeners[fd])
            elif fd in self._clients:
                self._on_readable(self._clients[fd])
        now = self._clock()
        for client in [each for each in self._clients.values() if each.deadline <= now]:
            self._close(client)
        if self.checker is not None:
            self.checker.step(now, self._clock)

    def _time_left(self) -> float:
        due = [each.deadline for each in self._clients.values()]
        if self.checker is not None:
            due.append(self.checker.due())
        return min(min(due, default=inf) - self._clock(), self._termination.pause)

    def _accept(self, listener: Listener, respond: Respond) -> None:
        try:
            found = listener.accept()
        except OSError:  # no descriptor: the oldest client makes room
            if self._clients:
                self._close(next(iter(self._clients.values())))
            return
        if found is None:
            return
        client = _Client(found[0], respond, self._clock() + _CLIENT_TIME)
        if len(self._clients) >= _MOST:
            self._close(next(iter(self._clients.values())))
        self._clients[client.fd] = client
        self._poll.register(client.fd, select.POLLIN)
        self._answer(client)

    def _on_readable(self, client: _Client) -> None:
        try:
            data = read(client.fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.received += data
        if not data:
            self._close(client)
            return
        self._answer(client)

    def _answer(self, client: _Client) -> None:
        """Send the response once it is known what is asked; it always finds room in the kernel."""
        response = client.respond(client.received)
        if response is None:
            return
        try:
            write(client.fd, response)
            read(client.fd, 4096)  # what is left unread would reset the connection
        except OSError:
            pass  # nothing is left, or the client is gone
        self._close(client)

    def _close(self, client: _Client) -> None:
        self._poll.unregister(client.fd)
        del self._clients[client.fd]
        close(client.fd)
