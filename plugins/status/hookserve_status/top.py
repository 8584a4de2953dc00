"""``hookserve top``: a running server in the terminal."""

from __future__ import annotations

import argparse
import curses
import sys
import textwrap
import time
from typing import Any

from hookserve import UsageError
from hookserve_status.client import Refused, StatusClient, Unreachable, find_address
from hookserve_status.ctl import add_address
from hookserve_status.text import (
    draining,
    duration,
    moment,
    number,
    places,
    recycle_text,
    requests,
    size,
)

Snapshot = dict[str, Any]  # Any: JSON
_ORDERS = {"i": "index", "b": "busy", "m": "rss_bytes", "r": "requests", "t": "cpu_seconds"}
_HELP = "i b m r t: sort   f: freeze   up/down: choose   R: recycle   q: quit"
_MESSAGE_TIME = 3.0
"""How long what a key has done is shown, unless another is typed, in seconds."""
_GOOD, _WARNING, _ERROR = range(1, 4)


def run(arguments: list[str]) -> int:
    """The command; raises HookserveError."""
    parser = _Parser(prog="hookserve top", description=f"Watch a running server. Keys: {_HELP}")
    add_address(parser)
    parser.add_argument("-n", "--interval", type=float, default=1.0, help="seconds (1)")
    given = parser.parse_args(arguments)
    words = ["-c", given.config] if given.config else []
    client = StatusClient(find_address(given.address, words))
    first = client.snapshot()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("top: this is no terminal (hookserve ctl status prints the same once)")
    curses.wrapper(lambda screen: Top(screen, client, max(0.2, given.interval)).run(first))
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # it raises
        raise UsageError(f"top: {message}")


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
        curses.curs_set(0)
        if curses.has_colors():
            curses.use_default_colors()
            colors = (curses.COLOR_GREEN, curses.COLOR_YELLOW, curses.COLOR_RED)
            for pair, color in enumerate(colors, 1):
                curses.init_pair(pair, color, -1)
        self._due = time.monotonic() + self._interval
        while True:
            self._draw(snapshot)
            now = time.monotonic()
            until = self._message_until
            left = (min(self._due, until) if now < until else self._due) - now
            self._screen.timeout(max(1, int(1000 * left)))
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
            self._question = self.ordered(snapshot)[self._clamp(snapshot)]["index"]
        elif key in (curses.KEY_UP, curses.KEY_DOWN):
            self._chosen += 1 if key == curses.KEY_DOWN else -1
            self._chosen = self._clamp(snapshot)
        return True

    def _answer(self, typed: str) -> None:
        index, self._question = self._question, None
        if typed != "y" or index is None:
            self._message = "nothing is done"
        else:
            try:
                self._message = recycle_text(index, self._client.do("recycle", index))
            except (Refused, Unreachable) as error:
                self._message = str(error)
        self._message_until = time.monotonic() + _MESSAGE_TIME

    def _clamp(self, snapshot: Snapshot) -> int:
        return max(0, min(self._chosen, len(snapshot["workers"]) - 1))

    def ordered(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """The workers, by the order that was chosen: the largest first, but for the index."""
        sign = 1 if self._order == "index" else -1
        return sorted(snapshot["workers"], key=lambda each: (sign * each[self._order], each["pid"]))

    def _draw(self, snapshot: Snapshot) -> None:
        self._screen.erase()
        height, width = self._screen.getmaxyx()
        for row, (text, attribute) in enumerate(self.lines(snapshot, width)[:height]):
            try:
                self._screen.addnstr(row, 0, text.ljust(width - 1), width - 1, attribute)
            except curses.error:  # the terminal has become smaller meanwhile
                pass
        self._screen.refresh()

    def lines(self, snapshot: Snapshot, width: int) -> list[tuple[str, int]]:
        """What is shown, with the attribute of each line."""
        busy, capacity = places(snapshot)
        rates = snapshot["rates"]
        tail = "  ".join(f"{name} {duration(each)}" for name, each in rates["percentiles"].items())
        head = f"{snapshot['name']}  {snapshot['model']}  generation {snapshot['generation']}"
        head += f"  up {duration(snapshot['uptime_seconds'])}"
        more = f" and {draining(snapshot)}" if draining(snapshot) else ""
        frozen = "  FROZEN" if self._is_frozen else ""
        found = [
            (head + frozen, curses.A_BOLD),
            (
                f"busy {busy}/{capacity}{more}  {number(rates['requests'])} requests/s  {tail}"
                f"  5xx/s {number(rates['server_errors'])}  cpu {rates['cpu']:.2f}",
                0,
            ),
        ]
        if self._unreachable:
            text = f"This was so at {moment(snapshot['time'])}: {self._unreachable}"
            found[1:1] = _wrapped(text, width, _color(_ERROR) | curses.A_BOLD)
        for queue in snapshot["queues"]:
            text = f"queue {queue['length']}/{queue['limit']} at {queue['address']}"
            found.append((text, _color(_WARNING) if queue["length"] else 0))
        for fault in snapshot["faults"]:
            pair = _ERROR if fault["level"] == "error" else _WARNING
            found += _wrapped(fault["text"], width, _color(pair) | curses.A_BOLD)
        found.append((self._prompt(), curses.A_DIM))
        found += self._worker_lines(snapshot, width)
        if requests(snapshot):
            found += [("", 0), (f"{'FOR':>8}  WORKER  {'ID':<20} REQUEST", curses.A_REVERSE)]
        for index, _, each in requests(snapshot):
            pair = _ERROR if each["seconds"] >= 5 else _WARNING if each["seconds"] >= 1 else 0
            text = (
                f"{duration(each['seconds']):>8}  {index:>6}  {each['id'][:20]:<20} {each['label']}"
            )
            found.append((text, _color(pair)))
        return found

    def _prompt(self) -> str:
        if self._question is not None:
            return f"recycle worker {self._question}? (y/n)"
        return self._message if time.monotonic() < self._message_until else _HELP

    def _worker_lines(self, snapshot: Snapshot, width: int) -> list[tuple[str, int]]:
        strip = max(6, min(32, width - 74))  # the other columns have 73, and the last stays empty
        head = f"{'WORKER':>6} {'PID':>7} {'STATE':<8} {'PLACES':<{strip}} {'BUSY':>9} {'OPEN':>5}"
        head += f" {'REQUESTS':>8} {'MEMORY':>8} {'CPU':>7} {'AGE':>6}"
        found = [(head, curses.A_REVERSE)]
        for row, each in enumerate(self.ordered(snapshot)):
            share = each["busy"] / each["capacity"] if each["capacity"] else 0.0
            full = round(share * strip) or int(each["busy"] > 0)
            oldest = each["in_flight"][0]["seconds"] if each["in_flight"] else 0.0
            text = f"{each['index']:>6} {each['pid']:>7} {each['state']:<8} "
            text += f"{('#' * full).ljust(strip, '.')} {each['busy']:>4}/{each['capacity']:<4}"
            text += f" {each['connections']:>5} {number(each['requests']):>8}"
            text += f" {size(each['rss_bytes']):>8} {each['cpu_seconds']:>6.1f}s"
            text += f" {duration(each['age_seconds']):>6}"
            attribute = _color(_ERROR if oldest >= 5 else _WARNING if share >= 1 else 0)
            if row == self._clamp(snapshot):
                attribute |= curses.A_BOLD | curses.A_UNDERLINE
            found.append((text, attribute))
        return found


def _wrapped(text: str, width: int, attribute: int) -> list[tuple[str, int]]:
    """What is wrong, whole however narrow the terminal is."""
    lines = textwrap.wrap(
        f"! {text}", max(20, width - 1), subsequent_indent="  ", break_on_hyphens=False
    )
    return [(line, attribute) for line in lines]


def _color(pair: int) -> int:
    return curses.color_pair(pair) if pair else 0
