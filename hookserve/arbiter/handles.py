"""The workers as the arbiter sees them.

A handle is made before the fork and closed when its process is reaped.  Nothing here runs in a
worker.  A handle's state, and what may follow it::

    booting   -> ready      the worker says so
    booting, ready -> draining   `retire`, or `stop_now`
    booting, ready -> aborting   it missed a deadline
    any       -> gone       its process is reaped

A draining worker that misses its deadline stays draining while it is aborted.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve.system.calls import close, unnamed_file
from hookserve.system.processes import Processes
from hookserve.types import ExitReason, RequestInFlight
from hookserve.worker.signals import DUMP_SIGNAL

if TYPE_CHECKING:
    import logging

    from hookserve.config.resolved import Config
    from hookserve.worker.channel import ArbiterEnd
    from hookserve.worker.scoreboard import Scoreboard, Slot

BOOTING = "booting"
READY = "ready"
DRAINING = "draining"
ABORTING = "aborting"
GONE = "gone"


class Escalation:
    """A worker missed a deadline and is being ended: stacks, ABRT, KILL."""

    __slots__ = ("deadline", "fault", "requests", "step")

    def __init__(self, fault: str, requests: list[RequestInFlight], deadline: float) -> None:
        self.fault = fault
        """What it missed, for the log."""
        self.requests = requests
        """What it held at that moment."""
        self.step = 0
        """How many of the steps are done."""
        self.deadline = deadline
        """When the next step is due, in seconds of the monotonic clock."""


class WorkerHandle:
    """One worker process (`hookserve.server.WorkerInfo`)."""

    found_interface = ""
    """The application's, where the model does not run it."""
    model = ""
    """The worker model's name."""
    cancels = False
    """Whether the worker itself cancels a request that exceeds `request_timeout`."""
    pid: int | None = None
    """`None` until it is forked."""
    state = BOOTING
    channel: ArbiterEnd | None = None
    forked_at = 0.0
    ready_at = 0.0
    expires_at = 0.0
    """When it has lived as long as it may (`max_lifetime`); 0: never."""
    ignore_silence_before = 0.0
    """Silence before this moment does not count: the arbiter itself was late."""
    drain_deadline = 0.0
    """When a draining worker must be gone; 0: it is not draining."""
    escalation: Escalation | None = None
    recycle_reason = ""
    """Why it asked to be replaced; empty when it did not."""
    boot_error = ""
    boot_error_code = 0
    kill_reason = ""
    """Why the arbiter sent KILL; empty when it did not."""
    reason: ExitReason | None = None
    """Why it is gone; `None` while it lives."""

    def __init__(
        self,
        index: int,
        generation: int,
        config: Config,
        log: logging.Logger,
        slot: Slot,
        scoreboard: Scoreboard,
        dump_fd: int = -1,
        processes: Processes | None = None,
    ) -> None:
        self.index = index
        """0..N-1, stable: a replacement has the index of the worker that it replaces."""
        self.generation = generation
        self.config = config
        self.log = log
        self.slot = slot
        self.scoreboard = scoreboard
        """The scoreboard that the slot belongs to."""
        self._processes = processes or Processes()
        self.dump_fd = dump_fd if dump_fd >= 0 else unnamed_file(f"hookserve-stacks-{index}")
        """Where the worker's stacks are dumped to."""

    @property
    def is_serving(self) -> bool:
        """Whether it counts as one of the workers wanted."""
        return self.state in (BOOTING, READY)

    def requests_in_flight(self) -> list[RequestInFlight]:
        """The requests that it has begun and not finished, the oldest first."""
        return self.slot.in_flight()

    def counters(self) -> dict[str, int]:
        """What it has done so far."""
        return self.slot.counters()

    def signal(self, number: int) -> None:
        """Send a signal; a process that is gone is no error."""
        if self.pid is not None:
            self._processes.kill(self.pid, number)

    def start_serving(self, now: float) -> None:
        """It is ready; from now on its lifetime counts."""
        self.state = READY
        self.ready_at = self.slot.ready_at = now
        if self.config.max_lifetime:
            from random import uniform

            jitter = uniform(0.0, self.config.max_lifetime_jitter)
            self.expires_at = now + self.config.max_lifetime + jitter

    def send(self, kind: str, text: str = "") -> None:
        """Send it a message (`hookserve.worker.channel.Message`)."""
        if self.channel is not None:
            self.channel.send(kind, text)

    def retire(self, now: float, limit: float) -> None:
        """Have it finish its requests and exit within `limit` seconds."""
        if self.state not in (BOOTING, READY):
            return
        self.state = DRAINING
        self.drain_deadline = now + limit
        self.send("retire")
        self.signal(signal.SIGTERM)

    def stop_now(self, now: float, limit: float) -> None:
        """Have it exit at once, within `limit` seconds, whatever it is doing."""
        if self.state != ABORTING:
            self.state = DRAINING
        self.drain_deadline = now + limit
        self.signal(signal.SIGQUIT)

    def kill(self, reason: str) -> None:
        """End the process."""
        self.kill_reason = reason
        self.signal(signal.SIGKILL)

    def dumped_stacks(self) -> str:
        """What the worker has dumped so far."""
        try:
            size = os.fstat(self.dump_fd).st_size
            return os.pread(self.dump_fd, min(size, 1 << 18), 0).decode("utf-8", "replace")
        except OSError:
            return ""

    def forget_stacks(self) -> None:
        """Begin anew with what the worker dumps: it writes where this process has left off."""
        try:
            os.ftruncate(self.dump_fd, 0)
            os.lseek(self.dump_fd, 0, os.SEEK_SET)
        except OSError:
            pass

    def request_stacks(self) -> int:
        """Have it write its stacks; returns the file's descriptor, emptied before."""
        self.forget_stacks()
        self.signal(DUMP_SIGNAL)
        return self.dump_fd

    def close(self) -> None:
        """Close what the handle holds, once the process is reaped or the fork failed."""
        if self.channel is not None:
            self.channel.close()
        close(self.dump_fd)

    def __str__(self) -> str:
        return f"worker {self.index} (pid {self.pid})"


class WorkerTable:
    """All handles whose processes are not yet reaped."""

    def __init__(self) -> None:
        self._handles: list[WorkerHandle] = []

    def add(self, handle: WorkerHandle) -> None:
        """Add a handle whose process was forked."""
        self._handles.append(handle)

    def remove(self, handle: WorkerHandle) -> None:
        """Remove a handle whose process is reaped."""
        self._handles.remove(handle)

    def at(self, index: int) -> list[WorkerHandle]:
        """The handles of one index that count as workers, the oldest first."""
        return [each for each in self._handles if each.index == index and each.is_serving]

    def __iter__(self) -> Iterator[WorkerHandle]:
        return iter(tuple(self._handles))

    def __len__(self) -> int:
        return len(self._handles)
