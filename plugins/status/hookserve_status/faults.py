"""What is wrong, so that every form can show it first: a line each, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LONG = 5.0
"""Seconds that a request runs before it is pointed at."""
_FEW_PLACES = 128
"""A worker with more of them runs coroutines or greenlets: there a request may last for hours, as a
websocket does."""
_RECENT = 300.0
"""Seconds that a fault of the past is pointed at."""
_DAYS = 14.0
_WORKERS = 3
"""How many are named."""
_ERRORS, _MANY_ERRORS = 0.01, 0.1
"""Shares of the requests."""
_UNASKED = ("boot failed", "timed out", "killed by us", "killed", "out of memory", "exited")

Snapshot = Mapping[str, Any]  # Any: JSON


def find_faults(snapshot: Snapshot) -> list[dict[str, str]]:
    """The faults: `level` is ``error`` or ``warning``, and `text` one line; errors come first."""
    found = [
        *_of_the_server(snapshot),
        *_shortened(list(_of_workers(snapshot))),
        *_of_reloads(snapshot),
        *_of_exits(snapshot),
        *_of_certificates(snapshot),
    ]
    found.sort(key=lambda fault: fault[0] != "error")
    return [{"level": level, "text": text} for level, text in found]


def _of_the_server(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    workers, wanted = snapshot["workers"], snapshot["wanted"]
    ready = [each for each in workers if each["state"] == "ready"]
    if snapshot["is_stopping"]:
        yield "warning", "The server is stopping."
        return
    if wanted and not ready:
        yield "error", "No worker is ready: nothing is served."
    elif len(ready) < wanted:
        yield "warning", f"{len(ready)} of {wanted} workers are ready."
    capacity = sum(each["capacity"] for each in ready)
    waiting = sum(each["length"] for each in snapshot["queues"])
    connections = f"{waiting} connection{'s' if waiting != 1 else ''}"
    if ready and sum(each["busy"] for each in ready) >= capacity:
        level = "error" if waiting else "warning"
        yield level, f"Every place is busy ({capacity} of {capacity}), and {connections} wait."
    elif waiting > len(ready):
        yield "warning", f"{connections} wait to be accepted."
    yield from _of_responses(snapshot["rates"])
    for queue in snapshot["queues"]:
        if queue["limit"] and queue["length"] >= queue["limit"]:
            yield (
                "error",
                f"The accept queue of {queue['address']} is full ({queue['length']}): new clients"
                " are not answered.",
            )


def _of_responses(rates: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    share = rates["server_errors"] / rates["requests"] if rates["requests"] else 0.0
    if share >= _ERRORS:
        level = "error" if share >= _MANY_ERRORS else "warning"
        yield level, f"{share:.0%} of the requests end with a server error (5xx)."


def is_stuck(worker: Mapping[str, Any], timeout: float) -> bool:
    """Whether a worker gives no sign of life, or each of its places is held by a long request."""
    # A worker that waits gives a sign of life twice within the time.
    if timeout and worker["silent_seconds"] > 0.75 * timeout and worker["state"] != "booting":
        return True
    ages = [each["seconds"] for each in worker["in_flight"]]
    return 0 < int(worker["capacity"]) <= len(ages) and min(ages) >= LONG


def _of_workers(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    timeout = snapshot["timeout"]
    for worker in snapshot["workers"]:
        name = f"Worker {worker['index']} (pid {worker['pid']})"
        oldest = worker["in_flight"][0] if worker["in_flight"] else None
        running = f": {oldest['label']}" if oldest else ""
        if timeout and worker["silent_seconds"] > 0.75 * timeout and worker["state"] != "booting":
            yield (
                "error",
                f"{name} has been silent for {worker['silent_seconds']:.0f} s and is ended at"
                f" {timeout:g} s{running}",
            )
        elif oldest and is_stuck(worker, timeout):
            yield (
                "error",
                f"{name} is stuck: each of its places has run a request for more than {LONG:g} s,"
                f" the oldest for {oldest['seconds']:.0f} s{running}",
            )
        elif oldest and oldest["seconds"] >= LONG and worker["capacity"] <= _FEW_PLACES:
            yield "warning", f"{name} has run a request for {oldest['seconds']:.0f} s{running}"


def _shortened(faults: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A few of them: what is wrong with all workers is one fault."""
    more = len(faults) - _WORKERS
    if more <= 0:
        return faults
    return [*faults[:_WORKERS], ("error", f"{more} more workers are in the same state.")]


def _of_reloads(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    if snapshot["reload"]["wanted"]:
        old = sum(each["generation"] < snapshot["generation"] for each in snapshot["workers"])
        yield "warning", f"A reload is under way: {old} workers of the old generation are left."
    elif snapshot["reloads"] and not snapshot["reloads"][0]["is_complete"]:
        reload = snapshot["reloads"][0]
        yield (
            "error",
            f"The last reload failed, generation {snapshot['generation']} serves on:"
            f" {reload['reason']}",
        )


def _of_exits(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for gone in snapshot["exits"]["latest"]:
        ago = snapshot["time"] - gone["at"]
        if ago < _RECENT and gone["reason"].startswith(_UNASKED):
            yield (
                "warning",
                f"Worker {gone['index']} (pid {gone['pid']}) was lost {ago:.0f} s ago:"
                f" {gone['reason']}",
            )
            return  # the table below has the others


def _of_certificates(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for certificate in snapshot["certificates"]:
        days = certificate["days_left"]
        if days is None:
            yield "warning", f"The certificate {certificate['file']} cannot be read."
        elif days < _DAYS:
            level = "error" if days < 1 else "warning"
            yield level, f"The certificate {certificate['file']} expires in {days:.0f} days."
