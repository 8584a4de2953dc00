"""Counts in each process, and sends once a second from the arbiter."""

from __future__ import annotations

import logging
import socket
import struct
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve_statsd.lines import Lines
from hookserve_statsd.sender import Sender
from hookserve_statsd.table import Reading, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
    from hookserve.server import Server, WorkerInfo
    from hookserve.types import AccessRecord

_INTERVAL = 1.0
_UNACKNOWLEDGED = 24
"""Where ``struct tcp_info`` has the length of a listener's accept queue (tcp(7))."""


class Tables:
    """The tables of all processes; a reload goes on with them, for old workers count on."""

    def __init__(self) -> None:
        self.own = Table()
        """Of this process."""
        self.of_workers: dict[WorkerInfo, Table] = {}
        self.next = self.own
        """Of the worker that is forked next."""


TABLES = Tables()
_KINDS = {"gauge": "g", "counter": "c", "histogram": "h", "timer": "ms"}
"""By gunicorn's names."""


class CountingHandler(logging.Handler):
    """Counts the records of the error log by their level; sends what hooks log as a metric."""

    metrics: Metrics | None = None
    """Of the configuration that is in effect."""

    def send_metric(self, name: str, value: object, kind: str) -> None:
        """Send one value at once; gunicorn's loggers call it for `extra`."""
        if self.metrics is not None and kind in _KINDS:
            self.metrics.send_metric(name, value, _KINDS[kind])

    def emit(self, record: logging.LogRecord) -> None:
        """Count one record."""
        if record.levelno >= logging.WARNING:
            name = "warning" if record.levelno < logging.ERROR else "error"
            if record.levelno >= logging.CRITICAL:
                name = "critical"
            elif name == "error" and record.exc_info:
                name = "exception"
            TABLES.own.count_log(name)


HANDLER = CountingHandler()


class Metrics:
    """Sends what one configuration asks for."""

    def __init__(self, config: Config) -> None:
        self._sender = Sender(config.statsd_host)
        self._lines = Lines(config.statsd_prefix, config.dogstatsd_tags)
        self._has_backlog: bool = config.enable_backlog_metric

    # In the arbiter.

    @hookimpl
    def on_starting(self) -> None:
        """Count what is logged from now on."""
        self.install_logs()

    @hookimpl(trylast=True)
    def install_logs(self) -> None:
        """Count what is logged, beside the handlers that have been installed."""
        HANDLER.metrics = self
        logging.getLogger("hookserve").addHandler(HANDLER)

    @hookimpl
    def pre_fork(self, worker: WorkerInfo) -> None:
        """Make the table of a worker."""
        TABLES.next = TABLES.of_workers[worker] = Table()

    @hookimpl
    def tick_intervals(self) -> list[float]:
        """Once a second."""
        return [_INTERVAL]

    @hookimpl
    def server_tick(self, server: Server) -> None:
        """Send what has happened since the last time."""
        workers = server.workers
        readings = [TABLES.own.read()]
        for worker, table in list(TABLES.of_workers.items()):
            readings.append(table.read())
            if worker not in workers:
                del TABLES.of_workers[worker]
        self._send(readings, len(workers), server.listeners)

    @hookimpl
    def on_exit(self, server: Server) -> None:
        """Send the last of it."""
        self.server_tick(server)
        self._sender.close()

    @hookimpl
    def retired(self) -> None:
        """Close the socket."""
        if HANDLER.metrics is self:
            HANDLER.metrics = None
            logging.getLogger("hookserve").removeHandler(HANDLER)
        self._sender.close()

    def send_metric(self, name: str, value: object, kind: str) -> None:
        """Send one value, from any process."""
        self._sender.send([self._lines.own(name, value, kind)])

    def _send(self, readings: list[Reading], workers: int, listeners: Iterable[Listener]) -> None:
        backlog = backlog_of(listeners) if self._has_backlog else -1
        self._sender.send(self._lines.datagrams(readings, workers, backlog))

    # In a worker.

    @hookimpl
    def post_fork(self) -> None:
        """This process has the table that was made for it."""
        TABLES.own = TABLES.next
        self._sender.close()

    @hookimpl
    def log_access(self, record: AccessRecord) -> None:
        """Count a request."""
        TABLES.own.count_request(record.status_code, record.elapsed)


def backlog_of(listeners: Iterable[Listener]) -> int:
    """How many connections wait to be accepted at TCP listeners; -1 where that cannot be known."""
    if not hasattr(socket, "TCP_INFO"):
        return -1
    found = []
    for listener in listeners:
        if listener.fileno() >= 0 and listener.socket.family != socket.AF_UNIX:
            info = listener.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            found.append(struct.unpack_from("=I", info, _UNACKNOWLEDGED)[0])
    return sum(found) if found else -1
