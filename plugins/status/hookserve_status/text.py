"""The status for a terminal, and the words and units that the page has too."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookserve.wording import counted

Snapshot = Mapping[str, Any]  # Any: JSON
_EXITS = 8
"""How many are shown."""


def duration(seconds: float | str | None) -> str:
    """``3 ms``, ``2.5 s``, ``4 m``, ``3 h``, ``2 d``; ``-`` for none."""
    if seconds is None:
        return "-"
    if isinstance(seconds, str):
        return f"{seconds} s"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 or not seconds else "<1 ms"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if seconds < limit:
            return (
                f"{seconds / size:.1f} {unit}" if seconds < 10 else f"{seconds / size:.0f} {unit}"
            )
    return f"{seconds / 86400:.0f} d"


def size(count: float) -> str:
    """``512 B``, ``1.5 KiB``, ``30 MiB``."""
    unit = "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if count < 1024:
            break
        count, unit = count / 1024, larger
    return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"


def number(value: float) -> str:
    """With blanks between thousands; small ones with one decimal."""
    if 0 < value < 10 and value != int(value):
        return f"{value:.1f}"
    return f"{value:,.0f}".replace(",", " ")


def places(snapshot: Snapshot) -> tuple[int, int]:
    """How many places are busy, and how many there are, of the workers that accept."""
    serving = [each for each in snapshot["workers"] if each["state"] == "ready"]
    return sum(each["busy"] for each in serving), sum(each["capacity"] for each in serving)


def draining(snapshot: Snapshot) -> str:
    """The requests that are in no place of `places`: ``2 in workers that drain``; empty: none."""
    count = sum(each["busy"] for each in snapshot["workers"] if each["state"] != "ready")
    return f"{count} in workers that drain" if count else ""


def moment(at: float) -> str:
    """The time of day, local, with the date."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def requests(snapshot: Snapshot) -> list[tuple[int, int, dict[str, Any]]]:
    """Index, process id and request of all that are in flight, the oldest first."""
    found = [
        (worker["index"], worker["pid"], request)
        for worker in snapshot["workers"]
        for request in worker["in_flight"]
    ]
    return sorted(found, key=lambda each: -each[2]["seconds"])


def exits(snapshot: Snapshot, most: int) -> list[dict[str, Any]]:
    """So many of the last exits, the newest first: half of the room is for faults, however many
    orderly exits came after them."""
    latest = snapshot["exits"]["latest"]
    faults = [each for each in latest if not each["is_orderly"]][: (most + 1) // 2]
    others = [each for each in latest if each not in faults][: most - len(faults)]
    return sorted([*faults, *others], key=lambda each: -each["number"])


def render_text(snapshot: Snapshot) -> str:
    """All of it."""
    return "\n".join([*_summary(snapshot), "", *worker_lines(snapshot), *_rest(snapshot), ""])


def _summary(snapshot: Snapshot) -> Iterator[str]:
    busy, capacity = places(snapshot)
    rates = snapshot["rates"]
    yield (
        f"hookserve {snapshot['hookserve']}  {snapshot['name']}  {snapshot['model']}"
        f"  pid {snapshot['pid']}  up {duration(snapshot['uptime_seconds'])}"
        f"  generation {snapshot['generation']}"
    )
    for fault in snapshot["faults"]:
        yield f"{'!!' if fault['level'] == 'error' else ' !'} {fault['text']}"
    tail = "  ".join(f"{name} {duration(each)}" for name, each in rates["percentiles"].items())
    more = f" and {draining(snapshot)}" if draining(snapshot) else ""
    yield (
        f"busy {busy} of {capacity}{more}  {number(rates['requests'])} requests/s  {tail}"
        f"  errors/s {number(rates['server_errors'])}  cpu {rates['cpu']:.2f}"
    )
    if not snapshot["queues"]:
        yield "queues unknown: the kernel does not say how many connections wait"
    for queue in snapshot["queues"]:
        yield f"queue {queue['length']} of {queue['limit']} at {queue['address']}"


def worker_lines(snapshot: Snapshot) -> Iterator[str]:
    """The table of workers."""
    head = ("WORKER", "PID", "GEN", "STATE", "BUSY", "OPEN", "REQUESTS", "5XX", "MEMORY", "AGE")
    rows = [
        (
            str(each["index"]),
            str(each["pid"]),
            str(each["generation"]),
            each["state"],
            f"{each['busy']}/{each['capacity']}",
            str(each["connections"]),
            number(each["requests"]),
            number(each["server_errors"]),
            size(each["rss_bytes"]),
            duration(each["age_seconds"]),
        )
        for each in snapshot["workers"]
    ]
    yield from table(head, rows)


def request_lines(snapshot: Snapshot) -> Iterator[str]:
    """The table of requests in flight."""
    rows = [
        (duration(each["seconds"]), str(index), each["id"] or "-", each["label"])
        for index, _, each in requests(snapshot)
    ]
    yield from table(("RUNS FOR", "WORKER", "ID", "REQUEST"), rows)


def _rest(snapshot: Snapshot) -> Iterator[str]:
    if requests(snapshot):
        yield ""
        yield from request_lines(snapshot)
    most = _EXITS, len(snapshot["reloads"]), len(snapshot["certificates"])
    for lines, _ in history(snapshot, most):
        yield ""
        yield from lines


def history(snapshot: Snapshot, most: tuple[int, ...]) -> Iterator[tuple[list[str], list[bool]]]:
    """The tables of last exits, reloads and certificates that have rows, so many of each at most;
    and of each row whether it is a fault."""
    gone = exits(snapshot, most[0])
    if gone:
        yield _exit_table(gone), [not each["is_orderly"] for each in gone]
    reloads = snapshot["reloads"][: most[1]]
    if reloads:
        yield _reload_table(reloads), [not each["is_complete"] for each in reloads]
    certificates = snapshot["certificates"][: most[2]]
    if certificates:
        rows = [(each["file"], days_left(each)) for each in certificates]
        faults = [each["days_left"] is None for each in certificates]
        yield list(table(("CERTIFICATE", "EXPIRES"), rows)), faults


def _exit_table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        (moment(each["at"]), str(each["index"]), str(each["pid"]), each["reason"]) for each in found
    ]
    return list(table(("GONE AT", "WORKER", "PID", "WHY"), rows))


def _reload_table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        (moment(each["at"]), outcome(each), duration(each["seconds"]), each["reason"])
        for each in found
    ]
    return list(table(("RELOAD ENDED", "OUTCOME", "TOOK", "WHY"), rows))


def days_left(certificate: Mapping[str, Any]) -> str:
    """Until it expires."""
    days = certificate["days_left"]
    if days is None:
        return "cannot be read"
    if days < 0:
        return "expired"
    left = f"{counted(int(24 * days), 'hour')} left" if days < 2 else f"{days:.0f} days left"
    return f"{left}, replaced since the last reload" if certificate["is_replaced"] else left


def reload_text(reply: Snapshot) -> str:
    """What has come of the command, by its reply."""
    if not reply["is_queued"]:
        return "the reload has begun"
    return f"the reload begins when the one under way is over{_after_boot(reply)}"


def recycle_text(index: int, reply: Snapshot) -> str:
    """What has come of the command, by its reply."""
    worker = f"worker {index} (pid {reply['pid']})"
    if not reply["booting"]:
        return f"{worker} is being replaced"
    return f"{worker} is to be replaced, which may have to wait{_after_boot(reply)}"


def _after_boot(reply: Snapshot) -> str:
    found = [f"worker {each['index']} (pid {each['pid']})" for each in reply["booting"]]
    return f": {', '.join(found)} {'is' if len(found) == 1 else 'are'} booting" if found else ""


def outcome(reload: Mapping[str, Any]) -> str:
    """How a reload has ended, in a few words."""
    return f"generation {reload['generation']}" if reload["is_complete"] else "failed"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns of text."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
