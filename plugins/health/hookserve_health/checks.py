"""The application's own checks, run one after another in threads of an auxiliary process.

The threads are real ones, also where the first check imports an application that patches the
standard library.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import NamedTuple, cast

from hookserve.system.calls import make_lock, start_thread
from hookserve.wording import describe
from hookserve_health.shared_state import SharedState

_LONGEST_PAUSE = 60.0
"""Seconds between two rounds while checks hang, unless the interval is longer."""
_IMPORT_TIME = 60.0
"""Seconds for the import of one check, which do not count as its own."""
_GRACE = 2.0
"""Seconds by which a result may be late on a busy machine, before it counts no more."""
_MOST_HANGING = 32
"""Threads of checks that hang; another round waits for one of them to end."""


class Check(NamedTuple):
    """One check."""

    name: str
    """As the configuration names it."""
    run: Callable[[], object]
    """Fails by raising, or by returning ``False``; it may be a function of coroutines."""
    load: Callable[[], object] = lambda: None
    """Imports it; called before each run."""


def load_check(target: str) -> Check:
    """The check at ``module:function``; one that cannot be imported fails each time, and is tried
    again: what it needs may come later."""
    module, _, name = target.partition(":")

    def run() -> object:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return _result_of(cast("Callable[[], object]", found)())

    return Check(target, run, partial(importlib.import_module, module))


def _result_of(returned: object) -> object:
    """What a check returns; of one that is a coroutine, once it has run, on a loop of its own."""
    if not inspect.isawaitable(returned):
        return returned
    import asyncio

    async def wait() -> object:
        result: object = await returned
        return result

    return asyncio.run(wait())


class _Round:
    """One call of each check, until one fails."""

    def __init__(self, now: float) -> None:
        self.is_abandoned = False
        """Whether a check took too long: what it says later counts no more."""
        self.begin(0, now, _IMPORT_TIME)

    def begin(self, number: int, now: float, limit: float) -> None:
        """The check of that number is imported or run, which may take `limit` seconds."""
        self.number, self.limit, self.deadline = number, limit, now + limit


class Checker:
    """Runs the checks every `interval` seconds, in a thread for each round; `on_change` is called
    there, whenever `due` has changed.

    A round whose check takes longer than `limit` seconds has failed at that moment.  Its thread
    cannot be ended, so the next round has one of its own; the more of them hang, the later it
    begins.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        interval: float,
        limit: float,
        state: SharedState,
        on_change: Callable[[], None],
    ) -> None:
        self._checks = checks
        self._interval, self._limit = interval, limit or inf
        self._valid_for = interval + len(checks) * self._limit + _GRACE
        self._state = state
        self._on_change = on_change
        self._log = logging.getLogger("hookserve")
        self._lock = make_lock()
        self._next = 0.0
        """When the next round begins."""
        self._round: _Round | None = None
        """The one that runs."""
        self._hanging = 0
        """Rounds that were abandoned and have not ended."""
        self._last: str | None = None
        """What was logged last; `None`: nothing yet, empty: that all have passed."""

    def begin(self, now: float) -> None:
        """The process begins: a check that ended the one before it has failed."""
        crashed = self._state.running
        self._state.begin(now + self._valid_for + len(self._checks) * _IMPORT_TIME)
        if crashed is not None:
            names = [each.name for each in self._checks[crashed : crashed + 1]] or ["of before"]
            self._log_fault(f"{names[0]}: its process has ended")

    def end(self) -> None:
        """The process ends: what a check says from now on does not count."""
        with self._lock:
            if self._round is not None:
                self._round.is_abandoned = True
            self._state.end()

    def due(self) -> float:
        """When `step` has something to do, in seconds of the monotonic clock; infinite: when
        `on_change` has been called."""
        with self._lock:
            if self._round is None:
                return self._next if self._hanging < _MOST_HANGING else inf
            return self._round.deadline

    def step(self, now: float, clock: Callable[[], float]) -> None:
        """Begin a round that is due; abandon one that takes too long."""
        with self._lock:
            if self._round is not None:
                self._abandon_late(self._round, now)
            elif now >= self._next and self._hanging < _MOST_HANGING:
                self._next = now + self._interval
                self._round = _Round(now)
                arguments = self._round, clock
                start_thread(self._run, arguments)

    def _abandon_late(self, round_: _Round, now: float) -> None:
        if now < round_.deadline:
            return
        round_.is_abandoned, self._round = True, None
        self._report(round_.number, f"it takes longer than {round_.limit:g} s", now)
        longest = max(self._interval, _LONGEST_PAUSE)
        self._next = max(self._next, now + min(self._interval * 2**self._hanging, longest))
        self._hanging += 1

    def _run(self, round_: _Round, clock: Callable[[], float]) -> None:
        try:
            failed, fault = self._find_fault(round_, clock)
            with self._lock:
                if not round_.is_abandoned:
                    self._report(failed, fault, clock())
        finally:
            with self._lock:
                if round_.is_abandoned:
                    self._hanging -= 1
                else:
                    self._round = None
            self._on_change()

    def _find_fault(self, round_: _Round, clock: Callable[[], float]) -> tuple[int | None, str]:
        """The number of the first check that fails, and why; `None` where none does, or where the
        round is abandoned meanwhile."""
        for number, check in enumerate(self._checks):
            for part, limit in ((check.load, _IMPORT_TIME), (check.run, self._limit)):
                with self._lock:
                    if round_.is_abandoned:
                        return None, ""
                    round_.begin(number, clock(), limit)
                    self._state.running = number
                self._on_change()
                if fault := _call(part):
                    return number, fault
        return None, ""

    def _report(self, failed: int | None, fault: str, now: float) -> None:
        self._state.running = None
        self._state.record(failed, now + self._valid_for)
        self._log_fault("" if failed is None else f"{self._checks[failed].name}: {fault}")

    def _log_fault(self, line: str) -> None:
        """Log a fault once, and once that there is none any more (empty)."""
        if line and line != self._last:
            self._log.error("not ready: the check %s", line)
        elif self._last and not line:
            self._log.info("the checks of the application pass again")
        self._last = line


def _call(part: Callable[[], object]) -> str:
    """Why a check, or its import, fails; empty: it passes."""
    try:
        result = part()
    except BaseException as error:  # the application's code raises what it likes
        return describe(error)
    return "it returned False" if result is False else ""
