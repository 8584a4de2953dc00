"""What plugins see of the arbiter: the ``server`` and ``worker`` arguments of its hooks.

These are protocols (PEP 544).  `hookserve.arbiter` implements them, a test may implement them with
a few lines, and nothing else of the arbiter is public.  Everything here runs in the arbiter's
process and its only thread; in a worker process ``server`` is a
`hookserve.worker.context.ServerView`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import logging

    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
    from hookserve.types import ExitReason, RequestInFlight
    from hookserve.worker.scoreboard import Scoreboard


class WorkerInfo(Protocol):
    """One worker process, from just before its fork until it is reaped."""

    @property
    def index(self) -> int:
        """0..N-1, stable: a replacement has the index of the worker that it replaces."""

    @property
    def generation(self) -> int:
        """The number of the generation that it was forked for; a reload makes the next one."""

    @property
    def pid(self) -> int | None:
        """Its process id; `None` until it is forked."""

    @property
    def state(self) -> str:
        """``booting``, ``ready``, ``draining``, ``aborting`` or ``gone``."""

    @property
    def config(self) -> Config:
        """The configuration that it was forked with."""

    @property
    def ready_at(self) -> float:
        """When it became ready, in seconds of the monotonic clock; 0.0 before that."""

    @property
    def recycle_reason(self) -> str:
        """Why it is to be replaced; empty when it is not."""

    @property
    def reason(self) -> ExitReason | None:
        """Why it is gone; `None` while it lives."""

    def counters(self) -> Mapping[str, int]:
        """What it has done so far: requests, bytes sent, errors, connections."""

    def requests_in_flight(self) -> Sequence[RequestInFlight]:
        """The requests that it has begun and not finished, the oldest first."""

    def signal(self, number: int) -> None:
        """Send it a signal; a process that is gone is no error."""

    def request_stacks(self) -> int:
        """Have it write the stacks of its threads, greenlets and tasks; returns the descriptor of
        the file where they appear, emptied before."""


class UpgradeState(Protocol):
    """Which other arbiter serves from the same listeners (USR2)."""

    @property
    def successor(self) -> int | None:
        """The process id of the successor while it lives."""

    @property
    def successor_serves(self) -> bool:
        """Whether a worker of the successor is ready."""

    @property
    def predecessor(self) -> int | None:
        """The process id of the predecessor while it lives."""


class Server(Protocol):
    """The arbiter, as hooks in its process are given it."""

    @property
    def pid(self) -> int:
        """The arbiter's process id."""

    @property
    def log(self) -> logging.Logger:
        """The error log."""

    @property
    def config(self) -> Config:
        """The configuration in effect."""

    @property
    def environ(self) -> MutableMapping[str, str]:
        """The environment that the next arbiter is executed with; a `pre_exec` hook may change
        it."""

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The listening sockets that new workers inherit."""

    @property
    def address(self) -> tuple[str, ...]:
        """The addresses that are listened on."""

    @property
    def generation(self) -> int:
        """The number of the current generation; workers of an older one are being replaced."""

    @property
    def workers(self) -> tuple[WorkerInfo, ...]:
        """The workers whose processes exist."""

    @property
    def num_workers(self) -> int:
        """How many workers are wanted."""

    @property
    def most_workers(self) -> int:
        """How many workers may be wanted until a reload has room for more."""

    @property
    def worker_model(self) -> str:
        """The name of the worker model: the setting's, or the one for the application's
        interface."""

    @property
    def worker_capacity(self) -> int:
        """How many requests one worker may have in flight at once."""

    @property
    def has_been_ready(self) -> bool:
        """Whether any worker was ever ready."""

    @property
    def is_stopping(self) -> bool:
        """Whether the server has begun to stop."""

    @property
    def is_draining(self) -> bool:
        """Whether the server has been told to stop, though it may accept for `drain_delay`."""

    @property
    def upgrade(self) -> UpgradeState:
        """The state of a binary upgrade."""

    @property
    def scoreboards(self) -> tuple[Scoreboard, ...]:
        """The current one first, then those that workers of an earlier generation write to."""

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call back, in the arbiter's loop, whenever a descriptor is readable; processes that are
        forked from now on close it."""

    def unwatch(self, descriptor: int) -> None:
        """Stop watching a descriptor, if it was watched."""

    def stats(self) -> Mapping[str, int]:
        """The sums of all workers' counters, those that are gone included."""

    def set_wanted(self, count: int, asked_by: str = "a plugin") -> None:
        """Change how many workers are wanted, to `most_workers` at most; raises ValueError for a
        negative number.  The log says who has asked for it."""

    def recycle(self, worker: WorkerInfo, reason: str) -> None:
        """Have a worker replaced; its replacement is ready before it is retired."""

    def reload(self, asked_by: str = "a plugin") -> None:
        """As HUP: reload configuration and code; during a reload, another one follows it.  The log
        says who has asked for it."""

    def stop(self, asked_by: str = "a plugin") -> None:
        """As TERM: stop gracefully.  The log says who has asked for it."""

    def reopen_logs(self) -> None:
        """As USR1: reopen the logs, here and in the workers."""
