"""The status as a page: one document that is complete without JavaScript.

With it, the parts that have changed are replaced every two seconds (``page.js``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from hookserve_status.faults import LONG, SLOW, is_stuck
from hookserve_status.text import (
    days_left,
    draining,
    duration,
    exits,
    moment,
    number,
    outcome,
    places,
    requests,
    size,
)

Snapshot = Mapping[str, Any]  # Any: JSON
_CELLS = 128
"""Places of a worker that are drawn one by one; more of them are one bar."""
_ROWS, _EXITS = 50, 12

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<script src="/page.js" defer></script>
</head>
<body>
"""


def render_page(snapshot: Snapshot, opened: str = "") -> str:
    """The whole document; `opened` is the section that is not folded."""
    errors = sum(each["level"] == "error" for each in snapshot["faults"])
    name = snapshot["name"] or "hookserve"
    title = f"({errors}) {name}" if errors else name
    parts = "\n".join(_parts(snapshot, name, opened))
    return f"{_HEAD.format(title=escape(title))}{parts}\n</body>\n</html>\n"


def _parts(snapshot: Snapshot, name: str, opened: str) -> Iterator[str]:
    yield _part("header", "top", _header(snapshot, name))
    yield _part("section", "faults", _faults(snapshot), 'aria-live="polite"')
    yield _part("section", "figures", "".join(_figures(snapshot)))
    yield _part("section", "workers", _workers(snapshot))
    yield _part("section", "requests", _requests(snapshot))
    yield '<div class="columns">'
    yield _part("section", "exits", _exits(snapshot))
    yield _part("section", "reloads", _reloads(snapshot))
    yield "</div>"
    yield _part("section", "totals", _totals(snapshot))
    yield _part("section", "settings", _settings(snapshot, opened == "settings"))


def _part(tag: str, name: str, content: str, attributes: str = "") -> str:
    return f'<{tag} id="{name}" data-part {attributes}>{content}</{tag}>'


def _header(snapshot: Snapshot, name: str) -> str:
    levels = {each["level"] for each in snapshot["faults"]}
    level = "error" if "error" in levels else "warning" if levels else "good"
    words = {"error": "Needs attention", "warning": "Look at this", "good": "All is well"}
    if snapshot["is_draining"]:
        words[level] = "Stopping"
    details = (
        f"hookserve {snapshot['hookserve']}",
        f"{snapshot['model']} workers",
        f"Python {snapshot['python']}",
        f"generation {snapshot['generation']}",
        f"up {duration(snapshot['uptime_seconds'])}",
        f"arbiter {snapshot['pid']}",
    )
    shown = "".join(f"<li>{escape(each)}</li>" for each in details)
    return f'<h1>{escape(name)}</h1><p class="pill {level}">{words[level]}</p><ul>{shown}</ul>'


def _faults(snapshot: Snapshot) -> str:
    return "".join(
        f'<p class="fault {each["level"]}">{escape(each["text"])}</p>'
        for each in snapshot["faults"]
    )


def _figures(snapshot: Snapshot) -> Iterator[str]:
    busy, capacity = places(snapshot)
    rates = snapshot["rates"]
    level = "error" if capacity and busy >= capacity else ""
    below = _bar(busy, capacity, level)
    if draining(snapshot):
        below += _note(f"and {draining(snapshot)}")
    yield _figure("Busy places", f"{busy}<small> of {capacity}</small>", below, level)
    window = f"over the last {duration(rates['seconds'])}" if rates["seconds"] else "no sample yet"
    history = snapshot["history"]
    chart = _chart([each[1] for each in history]) if len(history) > 1 else _note(window)
    yield _figure("Requests a second", number(rates["requests"]), chart)
    tail = rates["percentiles"]
    note = _note(f"p95 {duration(tail['p95'])} · p99 {duration(tail['p99'])}")
    yield _figure("Median duration", duration(tail["p50"]), note)
    level = "error" if rates["server_errors"] else ""
    note = _note(f"4xx {number(rates['client_errors'])} a second")
    yield _figure("Errors (5xx) a second", number(rates["server_errors"]), note, level)
    waiting = sum(each["length"] for each in snapshot["queues"])
    limit = sum(each["limit"] for each in snapshot["queues"])
    level = "error" if limit and waiting >= limit else "warning" if waiting else ""
    shown = number(waiting) if snapshot["queues"] else "?"
    yield _figure("Waiting to be accepted", shown, _queues(snapshot), level)
    memory = sum(each["rss_bytes"] for each in snapshot["workers"])
    memory += snapshot["arbiter_rss_bytes"]
    note = _note(f"{rates['cpu']:.2f} processors in use")
    yield _figure("Memory (RSS)", size(memory), note)


def _figure(title: str, value: str, below: str, level: str = "") -> str:
    return (
        f'<div class="figure {level}"><h2>{escape(title)}</h2><p class="value">{value}</p>'
        f"{below}</div>"
    )


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _queues(snapshot: Snapshot) -> str:
    lines = "<br>".join(
        f"{each['length']} of {each['limit']} at {escape(each['address'])}"
        for each in snapshot["queues"]
    )
    return f'<p class="note">{lines or "the kernel does not say"}</p>'


def _bar(value: float, whole: float, level: str = "") -> str:
    width = 100 * min(1.0, value / whole) if whole else 0
    return (
        f'<svg class="bar {level}" viewBox="0 0 100 4" preserveAspectRatio="none"'
        f' aria-hidden="true"><rect class="back" width="100" height="4"/>'
        f'<rect class="fill" width="{width:.1f}" height="4"/></svg>'
    )


def _chart(values: Sequence[float]) -> str:
    """The last minutes, the newest at the right."""
    most = max(values) or 1.0
    step = 100 / (len(values) - 1)
    points = " ".join(
        f"{each * step:.1f},{28 - 26 * value / most:.1f}" for each, value in enumerate(values)
    )
    return (
        '<svg class="chart" viewBox="0 0 100 30" preserveAspectRatio="none" role="img"'
        f' aria-label="the last minutes, {number(most)} at most">'
        f'<polygon points="0,30 {points} 100,30"/><polyline points="{points}"/></svg>'
    )


def _workers(snapshot: Snapshot) -> str:
    rows = "".join(_worker(each, snapshot) for each in snapshot["workers"])
    key = "".join(
        f'<li><i class="{kind}"></i>{text}</li>'
        for kind, text in (
            ("free", "free"),
            ("busy", "busy"),
            ("slow", "over 1 s"),
            ("stuck", "over 5 s"),
        )
    )
    wanted = snapshot["wanted"]
    return f'<h2>Workers <small>{wanted} wanted</small></h2>{rows}<ul class="key">{key}</ul>'


def _worker(worker: Mapping[str, Any], snapshot: Snapshot) -> str:
    oldest = worker["in_flight"][0]["seconds"] if worker["in_flight"] else 0.0
    level = "stuck" if is_stuck(worker, snapshot["timeout"]) else worker["state"]
    state = f"stuck for {duration(oldest)}" if level == "stuck" and oldest else worker["state"]
    old = worker["generation"] < snapshot["reload"]["generation"]
    details = [
        f"pid {worker['pid']}",
        f"generation {worker['generation']}{' (old)' if old else ''}",
        f"{number(worker['requests'])} request{'' if worker['requests'] == 1 else 's'}",
        f"{worker['connections']} open, {worker['idle_connections']} idle",
        size(worker["rss_bytes"]),
        f"{worker['cpu_seconds']:.1f} s of processor",
        f"age {duration(worker['age_seconds'])}",
        f"seen {duration(worker['silent_seconds'])} ago",
        *(_field(name, values[0]) for name, values in worker["fields"].items() if len(values) == 1),
    ]
    shown = "".join(f"<li>{escape(each)}</li>" for each in details)
    return (
        f'<article class="worker {level}"><h3><b>{worker["index"]}</b>'
        f"<span>{escape(state)}</span></h3>{_strip(worker)}"
        f'<p class="share">{worker["busy"]}<small>/{worker["capacity"]}</small></p>'
        f"<ul>{shown}</ul></article>"
    )


def _field(name: str, value: float) -> str:
    """What a plugin has declared, in words: the unit is last in its name."""
    words, _, unit = name.rpartition("_")
    shown = {"seconds": duration, "bytes": size}.get(unit)
    return f"{words.replace('_', ' ')} {shown(value)}" if shown else f"{name} {number(value)}"


def _strip(worker: Mapping[str, Any]) -> str:
    """A square for each place, the busiest first."""
    capacity = worker["capacity"]
    ages = [each["seconds"] for each in worker["in_flight"]][:capacity]
    if capacity > _CELLS:
        return f'<div class="strip">{_bar(len(ages), capacity)}</div>'
    kinds = [_kind(age) for age in ages] + ["free"] * (capacity - len(ages))
    cells = "".join(f'<i class="{kind}"></i>' for kind in kinds)
    return f'<div class="strip" aria-label="{len(ages)} of {capacity} places busy">{cells}</div>'


def _kind(age: float) -> str:
    return "stuck" if age >= LONG else "slow" if age >= SLOW else "busy"


def _requests(snapshot: Snapshot) -> str:
    found = requests(snapshot)
    rows = [
        (
            _kind(each["seconds"]),
            (duration(each["seconds"]), str(index), each["label"], each["id"] or "-"),
        )
        for index, _, each in found[:_ROWS]
    ]
    more = f" <small>the oldest {_ROWS} of {len(found)}</small>" if len(found) > _ROWS else ""
    title = f"<h2>Requests in flight{more or f' <small>{len(found)}</small>'}</h2>"
    return title + _table(("For", "Worker", "Request", "Id"), rows, "No request is in flight.")


def _exits(snapshot: Snapshot) -> str:
    kinds = ", ".join(
        f"{count} {kind}" for kind, count in snapshot["exits"]["by_kind"].items() if count
    )
    rows = [
        (
            "" if each["is_orderly"] else "stuck",
            (moment(each["at"]), f"{each['index']} (pid {each['pid']})", each["reason"]),
        )
        for each in exits(snapshot, _EXITS)
    ]
    title = f"<h2>Last exits <small>{kinds}</small></h2>"
    return title + _table(("At", "Worker", "Why"), rows, "No worker has ended yet.")


def _reloads(snapshot: Snapshot) -> str:
    rows = [
        (
            "" if each["is_complete"] else "stuck",
            (moment(each["at"]), outcome(each), duration(each["seconds"]), each["reason"]),
        )
        for each in snapshot["reloads"]
    ]
    head = ("At", "Outcome", "Took", "Why")
    return "<h2>Reloads</h2>" + _table(head, rows, "There was no reload yet.")


def _totals(snapshot: Snapshot) -> str:
    totals = {
        "requests": number(snapshot["totals"]["requests"]),
        "sent": size(snapshot["totals"]["bytes_sent"]),
        "4xx": number(snapshot["totals"]["client_errors"]),
        "5xx": number(snapshot["totals"]["server_errors"]),
        "connections": number(snapshot["totals"]["accepted"]),
        "accepting failed": number(snapshot["totals"]["rejected"]),
        "refused after queue_timeout": number(snapshot["totals"]["saturated"]),
        "lost with a worker": number(snapshot["totals"]["lost"]),
        "processor time": duration(snapshot["cpu_seconds"]),
    }
    for certificate in snapshot["certificates"]:
        totals[f"certificate {certificate['file']}"] = days_left(certificate)
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in totals.items()
    )
    return f"<h2>Since the start</h2><dl>{rows}</dl>"


def _settings(snapshot: Snapshot, is_open: bool) -> str:
    """Folded; without JavaScript, where the page loads itself again, a link keeps them open."""
    rows = [
        ("" if each["origin"] != "default" else "quiet", tuple(each.values()))
        for each in snapshot["settings"]
    ]
    table = _table(("Setting", "Value", "From"), rows, "")
    given = sum(each["origin"] != "default" for each in snapshot["settings"])
    link = '<noscript><a href="/?settings#settings">keep open</a></noscript>'
    head = f"<summary>Settings <small>{given} given</small> {link}</summary>"
    return f"<details{' open' * is_open}>{head}{table}</details>"


def _table(
    head: Sequence[str], rows: Sequence[tuple[str, Sequence[object]]], otherwise: str
) -> str:
    """Rows with a class each; each cell has its column's name, for narrow screens."""
    if not rows:
        return f'<p class="none">{otherwise}</p>'
    columns = "".join(f"<th>{name}</th>" for name in head)
    body = "".join(
        f'<tr class="{kind}">'
        + "".join(
            f'<td data-name="{name}">{escape(str(cell))}</td>'
            for name, cell in zip(head, cells, strict=True)
        )
        + "</tr>"
        for kind, cells in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{columns}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
