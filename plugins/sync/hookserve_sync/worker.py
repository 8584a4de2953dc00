"""The sync worker: one request at a time, and no time for who is silent.

A connection is read from when there is something to read.  Until then it is parked, with a
deadline, in the set that the loop waits on: a client that connects and says nothing, sends half
a head or keeps its connection open costs a descriptor and holds nobody up.

A connection is kept open after a response only as long as nobody waits to be accepted: a process
that serves one request at a time must not collect the clients that another one could serve.
"""

from __future__ import annotations

import os
import socket

from hookserve.context import WorkerContext
from hookserve.net.listeners import Listener
from hookserve.net.parking import ParkingLot
from hookserve.net.poller import EXCLUSIVE, READABLE, make_poller
from hookserve.net.transport import SocketTransport
from hookserve.protocol import CLOSING, IDLE, READY, Connection
from hookserve.worker import Worker

_RECEIVE_SIZE = 65536
_ACCEPT_BUDGET = 16
"""Connections accepted in a row before those that are parked are looked at again."""

_HEAD, _KEPT, _LINGERING = range(3)
"""What a parked connection waits for: its head, its next request, its client's end."""


class SyncWorker(Worker):
    """Accepts, serves and closes, one request after another."""

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        config = self.config
        self._poller = make_poller()
        self._accepting: dict[int, Listener] = {}
        self._lot: ParkingLot[Connection] = ParkingLot(
            (config.header_timeout, config.keepalive, config.linger_timeout)
        )
        self._limit = config.worker_connections
        self._transport = _SyncTransport(self, config.body_timeout, config.write_timeout)

    def run(self) -> None:
        """Wait, serve what is ready, give up on who took too long."""
        self._poller.register(self.wakeup, READABLE)
        self._start_accepting()
        while self.alive:
            self._turn(None)

    def drain(self, deadline: float) -> None:
        """Serve what waits when the server stops, then what is parked: a client that kept its
        connection may be sending its next request at this moment."""
        if self.serves_backlog:
            for listener in self.listeners:
                while self.clock() < deadline and self._accept_one(listener):
                    pass
        for listener in self.listeners:
            listener.close()
        self._accepting.clear()
        if self.is_quick:
            return
        idle_deadline = min(deadline, self.clock() + self.config.linger_timeout)
        while len(self._lot) and self.clock() < idle_deadline and not self.is_quick:
            self._turn(idle_deadline)

    def _turn(self, deadline: float | None) -> None:
        now = self.clock()
        moments = [deadline, self._lot.next_deadline()]
        if self.heartbeat_interval is not None:
            moments.append(now + self.heartbeat_interval)
        if self.accepts_again_at > now:
            moments.append(self.accepts_again_at)
        nearest = min((moment for moment in moments if moment is not None), default=None)
        self.idle()
        events = self._poller.poll(None if nearest is None else max(0.0, nearest - now))
        self.notify()
        for fd, _ in events:
            if fd in self._accepting:
                self._accept_from(self._accepting[fd])
            elif fd == self.wakeup:
                self.heed_signals()
            else:
                self._resume(fd)
        now = self.clock()
        for fd, connection, kind in self._lot.expired(now):
            self._expire(fd, connection, kind)
        has_room = len(self._lot) < self._limit or self._lot.oldest(_KEPT) is not None
        if not self._accepting and self.alive and has_room and now >= self.accepts_again_at:
            self._start_accepting()

    def _start_accepting(self) -> None:
        for listener in self.listeners:
            self._poller.register(listener.fileno(), READABLE | EXCLUSIVE)
            self._accepting[listener.fileno()] = listener

    def _stop_accepting(self) -> None:
        for fd in self._accepting:
            self._poller.unregister(fd)
        self._accepting.clear()

    def _accept_from(self, listener: Listener) -> None:
        for _ in range(_ACCEPT_BUDGET):
            if len(self._lot) >= self._limit:
                # Somebody waits: who is idle makes room, and if nobody is, the queue must wait.
                if self._evict():
                    self._accept_one(listener)
                else:
                    self._stop_accepting()
                return
            if not self.alive or not self._accept_one(listener):
                break
        if self.accepts_again_at > self.clock():
            self._stop_accepting()

    def _evict(self) -> bool:
        """Close the connection that has been idle longest, to make room; whether there was one."""
        oldest = self._lot.oldest(_KEPT)
        if oldest is None:
            return False
        self._close(oldest, self._lot.take(oldest))
        return True

    def _accept_one(self, listener: Listener) -> bool:
        accepted = self.accept(listener)
        if accepted is None:
            return False
        fd, connection = accepted
        try:
            data = os.read(fd, _RECEIVE_SIZE)
        except BlockingIOError:
            self._poller.register(fd, READABLE)
            self._lot.park(fd, connection, _HEAD, self.clock())
            return True
        except OSError:
            os.close(fd)
            return True
        state = connection.feed(data)
        if state == READY:
            transport = self._transport
            transport.fd = fd
            state = connection.run(transport)
            if state == CLOSING and not connection.lingers:
                os.close(fd)
                return True
        self._poller.register(fd, READABLE)
        self._proceed(fd, connection, state)
        return True

    def _resume(self, fd: int) -> None:
        """A parked connection has something to read."""
        if fd not in self._lot:
            return
        try:
            data = os.read(fd, _RECEIVE_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        kind = self._lot.kind(fd)
        if kind == _LINGERING:
            if not data:
                self._lot.take(fd)
                os.close(fd)
            return
        connection = self._lot.item(fd)
        state = connection.feed(data)
        # A head that is still incomplete keeps the deadline of its first byte.
        if kind != _HEAD or state in (READY, CLOSING):
            self._lot.take(fd)
            self._proceed(fd, connection, state)

    def _proceed(self, fd: int, connection: Connection, state: int) -> None:
        """Run what is ready; then park the connection or close it."""
        transport = self._transport
        while state == READY:
            transport.fd = fd
            state = connection.run(transport)
        if state == CLOSING:
            self._close(fd, connection)
        else:
            self._lot.park(fd, connection, _KEPT if state == IDLE else _HEAD, self.clock())

    def _expire(self, fd: int, connection: Connection, kind: int) -> None:
        if kind == _LINGERING:
            os.close(fd)
        else:
            self._proceed(fd, connection, connection.expire())

    def _close(self, fd: int, connection: Connection) -> None:
        """Close, or half-close and wait for the client's end where a reset could overtake the
        response (RFC 9112, 9.6)."""
        if not connection.lingers:
            os.close(fd)
            return
        try:
            _shutdown_writing(fd)
        except OSError:
            os.close(fd)
            return
        self._lot.park(fd, connection, _LINGERING, self.clock())


class _SyncTransport(SocketTransport):
    """The blocking transport, with the rule about who may keep a connection."""

    def __init__(self, worker: SyncWorker, body_timeout: float, write_timeout: float) -> None:
        super().__init__(body_timeout, write_timeout, worker.notify)
        self._worker = worker
        self._queue = make_poller()
        for listener in worker.listeners:
            self._queue.register(listener.fileno(), READABLE)

    def may_persist(self) -> bool:
        """Whether nobody waits to be accepted."""
        return self._worker.alive and not self._queue.poll(0)


def _shutdown_writing(fd: int) -> None:
    connected = socket.socket(fileno=fd)
    try:
        connected.shutdown(socket.SHUT_WR)
    finally:
        connected.detach()
