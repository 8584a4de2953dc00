"""What workers write to the arbiter, which believes none of it and gives each a bounded time.

A worker sends a few short messages in its life.  One that writes without end, its application with
a descriptor that it should not have, is read at a bounded rate and named in the log once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hookserve.arbiter.handles import BOOTING, WorkerHandle
from hookserve.arbiter.parts import Part
from hookserve.wording import indented, one_line
from hookserve.worker.channel import MOST_PER_READ

if TYPE_CHECKING:
    from logging import Logger

    from hookserve.arbiter.watcher import Watcher
    from hookserve.worker.channel import Message

AT_ONCE = 1 << 18
"""Bytes of one worker that are read without a pause: many times a traceback."""
PER_SECOND = 1 << 16
"""Bytes of one worker that are read in each second after that."""
_PER_TURN = 1 << 16
"""Bytes that are read before others have their turn."""
_LEAST = 1 << 12
"""Bytes that each read counts for at least: to be woken costs time too."""


class _Allowance:
    """How much of a worker's messages may be read now."""

    __slots__ = ("at", "left", "was_named")

    def __init__(self, now: float) -> None:
        self.left = float(AT_ONCE)
        """Bytes; negative after a read that was longer."""
        self.at = now
        self.was_named = False

    def grow(self, now: float) -> None:
        """Time has passed."""
        self.left = min(float(AT_ONCE), self.left + (now - self.at) * PER_SECOND)
        self.at = now


class Messages(Part):
    """Reads the channel of each worker."""

    def __init__(
        self,
        watcher: Watcher,
        clock: Callable[[], float],
        log: Logger,
        recycle: Callable[[WorkerHandle, str], None],
        on_ready: Callable[[WorkerHandle], None],
    ) -> None:
        self._watcher, self._clock, self._log = watcher, clock, log
        self._recycle, self._on_ready = recycle, on_ready
        self._allowances: dict[WorkerHandle, _Allowance] = {}
        self._paused: dict[WorkerHandle, float] = {}
        """The workers that are not read now, and until when."""

    def watch(self, handle: WorkerHandle) -> None:
        """Read what the worker sends from now on."""
        assert handle.channel is not None
        self._allowances[handle] = _Allowance(self._clock())
        self._watcher.watch(handle.channel.fileno(), partial(self._read, handle))

    def drain(self, handle: WorkerHandle) -> None:
        """Read the last messages of a worker whose process has ended, and stop watching it."""
        assert handle.channel is not None
        self._watcher.unwatch(handle.channel.fileno())
        self._paused.pop(handle, None)
        if self._allowances.pop(handle, None) is not None:
            # No more than the kernel keeps for a socket.
            self._take(handle, MOST_PER_READ)

    def due(self, now: float) -> float | None:
        """When the next pause is over."""
        return min(self._paused.values(), default=None)

    def step(self, now: float) -> None:
        """Read those workers again whose pause is over."""
        for handle in [each for each, until in self._paused.items() if now >= until]:
            del self._paused[handle]
            assert handle.channel is not None
            self._watcher.watch(handle.channel.fileno(), partial(self._read, handle))

    def _read(self, handle: WorkerHandle) -> None:
        assert handle.channel is not None
        allowance = self._allowances[handle]
        now = self._clock()
        allowance.grow(now)
        before = handle.channel.received
        is_open = self._take(handle, _PER_TURN)
        allowance.left -= max(handle.channel.received - before, _LEAST)
        if not is_open:
            self._watcher.unwatch(handle.channel.fileno())
        elif allowance.left < 0:
            self._pause(handle, allowance, now)

    def _pause(self, handle: WorkerHandle, allowance: _Allowance, now: float) -> None:
        assert handle.channel is not None
        self._watcher.unwatch(handle.channel.fileno())
        self._paused[handle] = now + 1.0 - allowance.left / PER_SECOND
        if not allowance.was_named:
            allowance.was_named = True
            self._log.warning(
                "%s sends the arbiter more than its messages can be: %d KiB of it are read each"
                " second from now on",
                handle,
                PER_SECOND >> 10,
            )

    def _take(self, handle: WorkerHandle, limit: int) -> bool:
        """Read and handle messages; returns whether the channel is still open."""
        assert handle.channel is not None
        messages, is_open = handle.channel.read(limit)
        for message in messages:
            self.on_message(handle, message)
        return is_open

    def on_message(self, handle: WorkerHandle, message: Message) -> None:
        """Do what a message asks for; one that is not known is ignored."""
        if message.kind == "recycle":
            self._recycle(handle, one_line(message.text))
        elif message.kind == "interface":
            handle.found_interface = one_line(message.text)
        elif message.kind == "boot failed":
            handle.boot_error, handle.boot_error_code = indented(message.text), message.code
        elif message.kind == "ready" and handle.state == BOOTING:
            self._on_ready(handle)
