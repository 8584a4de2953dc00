"""The sync worker: one request at a time, and no time for who is silent.

A connection is read from when there is something to read.  Until then it is parked, with a
deadline, in the set that the loop waits on: a client that connects and says nothing, sends half
a head or keeps its connection open costs a descriptor and holds nobody up.

A connection is kept open after a response only as long as nobody waits to be accepted: one
process that can serve one request must not collect the clients that another could serve.
"""

from __future__ import annotations

import os
import socket

from hookserve.net.listeners import Listener
from hookserve.net.parking import ParkingLot
from hookserve.net.poller import EXCLUSIVE, READABLE, make_poller
from hookserve.net.transport import SocketTransport
from hookserve.protocol import CLOSING, IDLE, READY, Connection
from hookserve.worker import Worker, WorkerContext

_RECEIVE_SIZE = 65536
_ACCEPT_BUDGET = 16
"""Connections accepted in a row before those that are parked are looked at again."""

_NEW, _KEPT, _LINGERING = range(3)


class SyncWorker(Worker):
    """Accepts, serves and closes, one request after another."""

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        config = self.config
        self._poller = make_poller()
        self._accepting: dict[int, Listener] = {}
        self._queue = make_poller()
        self._lot: ParkingLot[Connection] = ParkingLot(
            (config.header_timeout, config.keepalive, config.linger_timeout)
        )
        self._limit = config.worker_connections
        self._transport = _Transport(self)

    def run(self) -> None:
        """Wait, serve what is ready, forget who took too long."""
        self._poller.register(self.wakeup, READABLE)
        for listener in self.listeners:
            self._queue.register(listener.fileno(), READABLE)
        self._start_accepting()
        while self.alive:
            self._turn(self._accepting and None)
