"""``hookserve top``: a running server in the terminal."""

from __future__ import annotations

import curses
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from hookserve import UsageError
from hookserve.config import values
from hookserve_status.arguments import Parser, add_address, client_of, of_kind
from hookserve_status.client import Refused, StatusClient, Unreachable
from hookserve_status.screen import (
    ERROR,
    WARNING,
    Line,
    colored,
    figures,
    history_lines,
    identity,
    joined,
    request_lines,
    worker_lines,
    wrapped,
)
from hookserve_status.text import moment, recycle_text

Snapshot = dict[str, Any]  # Any: JSON
_ORDERS = {"i": "index", "b": "busy", "m": "rss_bytes", "r": "requests", "t": "cpu_seconds"}
_HELP = ("i b m r t: sort", "f: freeze", "up/down: choose", "R: recycle", "q: quit")
_LONGEST_WAIT = 3600.0
"""For a key, in seconds; curses counts milliseconds in 32 bits."""
_MESSAGE_TIME = 3.0
"""How long what a key has done is shown, unless another is typed, in seconds."""


def run(arguments: list[str]) -> int:
    """The command; raises HookserveError."""
    keys = "   ".join(_HELP)
    parser = Parser(prog="hookserve top", description=f"Watch a running server. Keys: {keys}")
    add_address(parser)
    parser.add_argument(
        "-n", "--interval", type=of_kind(values.interval), default=1.0, help="seconds (1)"
    )
    given = parser.parse_args(arguments)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("top: this is no terminal (hookserve ctl status prints the same once)")
    client = client_of(given)
    first = client.snapshot()
    try:
        curses.setupterm()
    except curses.error:
        name = os.environ.get("TERM", "")
        raise UsageError(
            f"top: this machine does not know the terminal '{name}' (TERM=xterm-256color"
            " hookserve top, or hookserve ctl status)"
        ) from None
    curses.wrapper(lambda screen: Top(screen, client, max(0.2, given.interval)).run(first))
    return 0


class Top:
    """What is shown, and what keys do."""

    def __init__(self, screen: curses.window, client: StatusClient, interval: float) -> None:
        self._screen, self._client, self._interval = screen, client, interval
        self._order, self._chosen, self._is_frozen = "index", 0, False
        self._question: int | None = None
        """The index of the worker that is recycled when the answer is yes."""
        self._message, self._message_until = "", 0.0
        """What a key has done, and until when that is shown (monotonic seconds)."""
        self._unreachable = ""
        """Why what is shown is old."""
        self._due = 0.0

    def run(self, snapshot: Snapshot) -> None:
        """Until q is typed."""
        with suppress(curses.error):  # of a terminal that cannot hide the cursor
            curses.curs_set(0)
        if curses.has_colors():
            curses.use_default_colors()
            for pair, color in ((WARNING, curses.COLOR_YELLOW), (ERROR, curses.COLOR_RED)):
                curses.init_pair(pair, color, -1)
        self._due = time.monotonic() + self._interval
        while True:
            self._draw(snapshot)
            now = time.monotonic()
            until = self._message_until
            left = (min(self._due, until) if now < until else self._due) - now
            self._screen.timeout(max(1, int(1000 * min(left, _LONGEST_WAIT))))
            key = self._screen.getch()
            if key >= 0 and not self.on_key(key, snapshot):
                return
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + self._interval
                snapshot = self._read(snapshot)

    def _read(self, last: Snapshot) -> Snapshot:
        if self._is_frozen:
            return last
        try:
            found = self._client.snapshot()
        except Unreachable as error:
            self._unreachable = str(error)
            return last
        self._unreachable = ""
        return found

    def on_key(self, key: int, snapshot: Snapshot) -> bool:
        """Do what a key means; returns false when it ends the command."""
        typed = chr(key) if key < 256 else ""
        self._message_until = 0.0
        if self._question is not None:
            self._answer(typed)
        elif typed == "q":
            return False
        elif typed in _ORDERS:
            self._order = _ORDERS[typed]
        elif typed == "f":
            self._is_frozen = not self._is_frozen
        elif typed == "R" and snapshot["workers"]:
            self._ask(self.ordered(snapshot)[self._clamp(snapshot)])
        elif key in (curses.KEY_UP, curses.KEY_DOWN):
            self._chosen += 1 if key == curses.KEY_DOWN else -1
            self._chosen = self._clamp(snapshot)
        return True

    def _ask(self, worker: Mapping[str, Any]) -> None:
        if worker["state"] == "ready":
            self._question = worker["index"]
            return
        self._show(f"worker {worker['index']} (pid {worker['pid']}) is {worker['state']}")

    def _show(self, message: str) -> None:
        self._message, self._message_until = message, time.monotonic() + _MESSAGE_TIME

    def _answer(self, typed: str) -> None:
        index, self._question = self._question, None
        if typed != "y" or index is None:
            self._show("nothing is done")
            return
        try:
            self._show(recycle_text(index, self._client.do("recycle", index)))
        except (Refused, Unreachable) as error:
            self._show(str(error))

    def _clamp(self, snapshot: Snapshot) -> int:
        return max(0, min(self._chosen, len(snapshot["workers"]) - 1))

    def ordered(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """The workers, by the order that was chosen: the largest first, but for the index."""
        sign = 1 if self._order == "index" else -1
        return sorted(snapshot["workers"], key=lambda each: (sign * each[self._order], each["pid"]))

    def _draw(self, snapshot: Snapshot) -> None:
        self._screen.erase()
        height, width = self._screen.getmaxyx()
        for row, (text, attribute) in enumerate(self.lines(snapshot, width, height)[:height]):
            try:
                self._screen.addnstr(row, 0, text.ljust(width - 1), width - 1, attribute)
            except curses.error:  # the terminal has become smaller meanwhile
                pass
        self._screen.refresh()

    def lines(self, snapshot: Snapshot, width: int, height: int) -> list[Line]:
        """What is shown, with the attribute of each line."""
        frozen = ["FROZEN"] if self._is_frozen else []
        found = joined([*identity(snapshot), *frozen], width, curses.A_BOLD)
        if self._unreachable:
            text = f"This was so at {moment(snapshot['time'])}: {self._unreachable}"
            found += wrapped(text, width, colored(ERROR) | curses.A_BOLD)
        found += joined(figures(snapshot), width, 0)
        for queue in snapshot["queues"]:
            text = f"queue {queue['length']}/{queue['limit']} at {queue['address']}"
            found.append((text, colored(WARNING) if queue["length"] else 0))
        for fault in snapshot["faults"]:
            pair = ERROR if fault["level"] == "error" else WARNING
            found += wrapped(fault["text"], width, colored(pair) | curses.A_BOLD)
        found += joined(self._prompt(), width, curses.A_DIM, "   ")
        found += worker_lines(self.ordered(snapshot), self._clamp(snapshot), width)
        found += request_lines(snapshot)
        return found + history_lines(snapshot, height - len(found))

    def _prompt(self) -> Sequence[str]:
        if self._question is not None:
            return [f"recycle worker {self._question}? (y/n)"]
        return [self._message] if time.monotonic() < self._message_until else _HELP
