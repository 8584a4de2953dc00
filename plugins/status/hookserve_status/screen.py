"""What ``hookserve top`` shows: lines that fit the terminal, each with its attribute."""

from __future__ import annotations

import curses
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hookserve_status.faults import LONG, SLOW
from hookserve_status.text import (
    draining,
    duration,
    history,
    number,
    places,
    requests,
    size,
)

Snapshot = Mapping[str, Any]  # Any: JSON
Worker = Mapping[str, Any]
Line = tuple[str, int]
WARNING, ERROR = 1, 2
"""Pairs of colours."""
_STRIP, _WIDEST_STRIP = 6, 32
"""Cells in which places are drawn, at least and at most."""
_OTHERS = 74
"""What the other columns take, and one that stays empty."""
_DROPPED = ("PLACES", "OPEN", "AGE", "REQUESTS", "CPU", "PID")
"""The columns that a narrow terminal does without, the first one first."""
_ID = 20


class _Column(NamedTuple):
    head: str
    form: str
    """Alignment and width, as format() takes them."""
    show: Callable[[Worker], str]

    @property
    def width(self) -> int:
        return int(self.form[1:])


def colored(pair: int) -> int:
    """The attribute for a pair of colours; 0: the terminal's own."""
    return curses.color_pair(pair) if pair else 0


def wrapped(text: str, width: int, attribute: int) -> list[Line]:
    """What is wrong, whole however narrow the terminal is."""
    lines = textwrap.wrap(
        f"! {text}", max(20, width - 1), subsequent_indent="  ", break_on_hyphens=False
    )
    return [(line, attribute) for line in lines]


def joined(parts: Iterable[str], width: int, attribute: int, gap: str = "  ") -> list[Line]:
    """The parts in as many lines as they need; none is broken."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(gap) + len(part) < width:
            lines[-1] += gap + part
        else:
            lines.append(part)
    return [(line, attribute) for line in lines]


def identity(snapshot: Snapshot) -> list[str]:
    """Which server it is."""
    return [
        snapshot["name"],
        snapshot["model"],
        f"generation {snapshot['generation']}",
        f"up {duration(snapshot['uptime_seconds'])}",
    ]


def figures(snapshot: Snapshot) -> list[str]:
    """How much it does."""
    busy, capacity = places(snapshot)
    rates = snapshot["rates"]
    more = f" and {draining(snapshot)}" if draining(snapshot) else ""
    return [
        f"busy {busy}/{capacity}{more}",
        f"{number(rates['requests'])} requests/s",
        *(f"{name} {duration(each)}" for name, each in rates["percentiles"].items()),
        f"5xx/s {number(rates['server_errors'])}",
        f"cpu {rates['cpu']:.2f}",
    ]


def worker_lines(workers: Sequence[Worker], chosen: int, width: int) -> list[Line]:
    """The table of workers, the chosen one underlined."""
    columns = _columns(max((each["capacity"] for each in workers), default=0), width)
    head = " ".join(format(each.head, each.form) for each in columns)
    found = [(head, curses.A_REVERSE)]
    for row, worker in enumerate(workers):
        text = " ".join(format(each.show(worker), each.form) for each in columns)
        is_full = worker["busy"] >= worker["capacity"] > 0
        oldest = worker["in_flight"][0]["seconds"] if worker["in_flight"] else 0.0
        attribute = colored(ERROR if oldest >= LONG else WARNING if is_full else 0)
        if row == chosen:
            attribute |= curses.A_BOLD | curses.A_UNDERLINE
        found.append((text, attribute))
    return found


def _columns(most_places: int, width: int) -> list[_Column]:
    strip = max(_STRIP, min(most_places, _WIDEST_STRIP, width - _OTHERS))
    found = [
        _Column("WORKER", ">6", lambda each: str(each["index"])),
        _Column("PID", ">7", lambda each: str(each["pid"])),
        _Column("STATE", "<8", lambda each: str(each["state"])),
        _Column("PLACES", f"<{strip}", lambda each: _strip(each, strip)),
        _Column("BUSY", ">9", lambda each: f"{each['busy']:>4}/{each['capacity']:<4}"),
        _Column("OPEN", ">5", lambda each: str(each["connections"])),
        _Column("REQUESTS", ">8", lambda each: number(each["requests"])),
        _Column("MEMORY", ">8", lambda each: size(each["rss_bytes"])),
        _Column("CPU", ">7", lambda each: f"{each['cpu_seconds']:.1f}s"),
        _Column("AGE", ">6", lambda each: duration(each["age_seconds"])),
    ]
    for name in _DROPPED:
        if sum(each.width + 1 for each in found) <= width:
            break
        found = [each for each in found if each.head != name]
    return found


def _strip(worker: Worker, cells: int) -> str:
    """A cell for each place, or a bar where there are more places than cells."""
    busy, capacity = int(worker["busy"]), int(worker["capacity"])
    if capacity > cells:
        busy, capacity = round(busy / capacity * cells) or int(busy > 0), cells
    full = min(busy, capacity)
    return "#" * full + "." * (capacity - full)


def request_lines(snapshot: Snapshot) -> list[Line]:
    """The table of requests in flight, after an empty line; nothing when there are none."""
    in_flight = requests(snapshot)
    if not in_flight:
        return []
    ids = max(2, *(len(each["id"][:_ID]) for _, _, each in in_flight))
    head = f"{'FOR':>8}  WORKER  {'ID':<{ids}}  REQUEST"
    found = [("", 0), (head, curses.A_REVERSE)]
    for index, _, each in in_flight:
        pair = ERROR if each["seconds"] >= LONG else WARNING if each["seconds"] >= SLOW else 0
        text = f"{duration(each['seconds']):>8}  {index:>6}  {each['id'][:_ID]:<{ids}}"
        found.append((f"{text}  {each['label']}", colored(pair)))
    return found


def history_lines(snapshot: Snapshot, room: int) -> list[Line]:
    """The last exits, the reloads and the certificates in so many lines at most."""
    found: list[Line] = []
    tables = snapshot["exits"]["latest"], snapshot["reloads"], snapshot["certificates"]
    for (head, *others), faults in history(snapshot, _shares([len(each) for each in tables], room)):
        found += [("", 0), (head, curses.A_REVERSE)]
        pairs = [ERROR if is_fault else 0 for is_fault in faults]
        found += zip(others, map(colored, pairs), strict=True)
    return found


def _shares(rows: Sequence[int], room: int) -> tuple[int, ...]:
    """How many rows of each table there is room for; the longest one is cut first, and of several
    alike the last one."""
    shares = list(rows)
    while any(shares) and sum(each + 2 for each in shares if each) > room:
        longest = max(range(len(shares)), key=lambda each: (shares[each], each))
        shares[longest] -= 1
    return tuple(shares)
