"""The application's own checks, run one after another in a thread of the auxiliary process."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple, cast

from hookserve.wording import describe
from hookserve_health.shared_state import SharedState


class Check(NamedTuple):
    """One check."""

    name: str
    """As the configuration names it."""
    run: Callable[[], object]
    """Fails by raising, or by returning ``False``."""


def load_check(target: str) -> Check:
    """The check at ``module:function``; one that cannot be imported fails each time, and is tried
    again: what it needs may come later."""
    module, _, name = target.partition(":")

    def run() -> object:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return cast("Callable[[], object]", found)()

    return Check(target, run)


class Checker:
    """Runs the checks every `interval` seconds, one round at a time; `on_change` is called in the
    thread that runs a round, whenever `due` has changed.

    A round whose check takes longer than `limit` seconds has failed at that moment, and the next
    one begins when it has ended.
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
        self._state = state
        self._on_change = on_change
        self._log = logging.getLogger("hookserve")
        self._next = 0.0
        """When the next round begins."""
        self._at: tuple[int, float] | None = None
        """The check that runs, and since when (monotonic seconds)."""
        self._is_running = False
        self._last: str | None = None
        """What was logged last; `None`: nothing yet, empty: that all have passed."""

    def due(self) -> float:
        """When `step` has something to do, in seconds of the monotonic clock; infinite: when
        `on_change` has been called."""
        at = self._at
        if not self._is_running:
            return self._next
        return inf if at is None else at[1] + self._limit

    def step(self, now: float, clock: Callable[[], float]) -> None:
        """Begin a round that is due; fail one that takes too long."""
        at = self._at
        if self._is_running:
            if at is not None and now >= at[1] + self._limit:
                self._at = None
                self._report(at[0], f"it takes longer than {self._limit:g} s")
            return
        if now >= self._next:
            self._next = now + self._interval
            self._is_running, self._at = True, (0, now)
            thread = threading.Thread(target=self._run, args=(clock,), name="checks", daemon=True)
            thread.start()

    def _run(self, clock: Callable[[], float]) -> None:
        try:
            is_in_time = True
            for number, check in enumerate(self._checks):
                self._at = number, clock()
                self._on_change()
                try:
                    result = check.run()
                    fault = "it returned False" if result is False else ""
                except BaseException as error:  # the application's code raises what it likes
                    fault = describe(error)
                is_in_time = self._at is not None
                self._at = None
                if fault and is_in_time:
                    self._report(number, fault)
                if fault or not is_in_time:
                    return
            self._report(None, "")
        finally:
            self._is_running = False
            self._on_change()

    def _report(self, failed: int | None, fault: str) -> None:
        self._state.record(failed)
        line = "" if failed is None else f"{self._checks[failed].name}: {fault}"
        if line and line != self._last:
            self._log.error("not ready: the check %s", line)
        elif self._last and not line:
            self._log.info("the checks of the application pass again")
        self._last = line
