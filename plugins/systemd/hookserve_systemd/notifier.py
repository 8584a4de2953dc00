"""Which message the service manager gets, and when.

A reload makes a new notifier, for it makes everything new: what must be known about the time
before is asked of the server, never kept.

Two arbiters share a service during a binary upgrade, and the manager listens to one of them, the
main process.  The predecessor makes its successor the main process as soon as that is ready, and
falls silent; the successor, when it is stopped first, gives the part back.  So neither end of the
upgrade looks like the end of the service.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve.wording import counted

if TYPE_CHECKING:
    from hookserve.server import Server
    from hookserve_systemd.manager import ServiceManager

_HANDING_OVER = 0.1
"""Seconds in which the manager has read that a successor is the main process now: what the
successor says before that is refused, and logged."""


class Notifier:
    """Speaks to a service manager for one configuration of an arbiter."""

    def __init__(self, manager: ServiceManager, watchdog_interval: float) -> None:
        self._manager = manager
        self._watchdog_interval = watchdog_interval
        self._alive_at = -math.inf
        """When the last sign of life was given."""
        self._is_ready_pending = False
        """Whether this process has yet to notify the manager that the service is ready."""
        self._main_at = 0.0
        """When a successor counts as the main process."""
        self._failure = ""
        """Why the last reload failed; empty when it did not."""
        self._last_status = ""
        self._is_over = False

    # The life of the service.

    @hookimpl
    def when_ready(self, server: Server) -> None:
        """The first worker makes the service ready; after a reload by re-execution, the last."""
        self._is_ready_pending = not server.workers

    @hookimpl
    def worker_ready(self, server: Server) -> None:
        """Tell that the service is ready, or that there is a worker more."""
        if server.upgrade.predecessor is not None and not self._main_at:
            self._main_at = time.monotonic() + _HANDING_OVER
        self._update(server)

    @hookimpl
    def on_reload(self, server: Server) -> None:
        """A reload has begun."""
        if self._is_main(server):
            self._manager.notify(*_reloading(), "STATUS=reloading")
            self._last_status = ""

    @hookimpl
    def reloaded(self, server: Server) -> None:
        """It is complete."""
        self._failure = ""
        self._is_ready_pending = True
        self._update(server)

    @hookimpl
    def reload_failed(self, server: Server, reason: str) -> None:
        """It was aborted: the manager, which waits for its end, gets the reason.

        It may have failed before its begin was reported, and the manager waits for
        that first.
        """
        lines = reason.strip().splitlines()
        self._failure = lines[-1].strip() if lines else "unknown"
        if self._is_main(server):
            self._manager.notify(*_reloading())
        self._is_ready_pending = True
        self._update(server)

    @hookimpl
    def on_stopping(self, server: Server) -> None:
        """The service stops, unless another arbiter goes on with it."""
        upgrade = server.upgrade
        if upgrade.successor is not None:
            if not upgrade.successor_serves:
                self._manager.notify(f"MAINPID={upgrade.successor}")
        elif upgrade.predecessor is not None:
            if server.has_been_ready:
                self._manager.notify(f"MAINPID={upgrade.predecessor}")
        else:
            self._manager.notify("STOPPING=1", "STATUS=stopping")
        self._is_over = True

    # The binary upgrade.

    @hookimpl
    def pre_exec(self, server: Server) -> None:
        """The process that is executed next gives the signs of life in this process's place; a
        preloaded application is loaded meanwhile, and that begins with all the time there is."""
        if self._watchdog_interval:
            server.environ.pop("WATCHDOG_PID", None)
            self._manager.notify_once("WATCHDOG=1")

    @hookimpl
    def successor_ready(self, pid: int) -> None:
        """From now on the manager listens to the successor."""
        alive = ["WATCHDOG=1"] if self._watchdog_interval else []
        self._manager.notify(f"MAINPID={pid}", *alive)

    # What changes meanwhile.

    @hookimpl
    def child_exit(self, server: Server) -> None:
        """There may be a worker less."""
        self._update(server)

    @hookimpl
    def nworkers_changed(self, server: Server) -> None:
        """More or fewer are wanted."""
        self._update(server)

    @hookimpl
    def tick_intervals(self) -> list[float]:
        """As often as the manager wants a sign of life."""
        return [self._watchdog_interval] if self._watchdog_interval else []

    @hookimpl
    def server_tick(self, server: Server) -> None:
        """Give a sign of life if it is time; send what could not be sent."""
        self._manager.try_again()
        now = time.monotonic()
        pause = min(self._watchdog_interval, server.config.tick_interval)
        # The next tick would be too late for it.
        is_due = now + pause > self._alive_at + self._watchdog_interval
        if self._watchdog_interval and is_due and server.has_been_ready and self._is_main(server):
            self._alive_at = now
            self._manager.notify_once("WATCHDOG=1")
        self._update(server)

    def _update(self, server: Server) -> None:
        """Tell what the manager does not know yet."""
        if not self._is_main(server):
            self._is_ready_pending = True
            return
        status = f"STATUS={self._status(server)}"
        if self._is_ready_pending and server.has_been_ready:
            self._is_ready_pending = False
            self._manager.notify("READY=1", f"MAINPID={server.pid}", status)
            self._last_status = status
        elif status != self._last_status and self._manager.notify_once(status):
            self._last_status = status

    def _is_main(self, server: Server) -> bool:
        """Whether this process notifies the manager."""
        upgrade = server.upgrade
        if self._is_over or upgrade.successor_serves:
            return False
        if upgrade.predecessor is not None:
            return server.has_been_ready and time.monotonic() >= self._main_at
        return True

    def _status(self, server: Server) -> str:
        ready = sum(worker.state == "ready" for worker in server.workers)
        text = (
            f"{ready} of {counted(server.num_workers, 'worker')} ready,"
            f" {counted(server.stats().get('requests', 0), 'request')} served"
        )
        return f"{text}; the last reload failed: {self._failure}" if self._failure else text


def _reloading() -> tuple[str, str]:
    """A reload begins now; the manager compares the time with that of its own request."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"
