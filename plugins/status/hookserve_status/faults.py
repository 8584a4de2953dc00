"""What is wrong, so that every form can show it first: a line each, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookserve.wording import counted
from hookserve_status.text import size

LONG = 5.0
"""Seconds that a request runs before it is pointed at."""
SLOW = 1.0
"""Seconds from which a request is drawn as slow."""
_FEW_PLACES = 128
"""A worker with more of them runs coroutines or greenlets: there a request may last for hours, as a
websocket does."""
_RECENT = 300.0
"""Seconds that a fault of the past is pointed at."""
_BOOT = 10.0
"""Seconds that a worker may take to boot before it is pointed at."""
_LAG, _LOOP_LAG = 1.0, "loop_lag_seconds"
"""Seconds that an event loop may be late, and the field where its worker model says how late."""
_KEPT, _SIZE, _SIZE_LIMIT = "kept_over_memory_limit", "memory_measured_bytes", "memory_limit_bytes"
"""The fields where the plugin memory says what it measures, and what it does not replace."""
_MANY_LOST = 3
_LIMIT = re.compile(r"recycled \(\w+: ")
_DAYS = 14.0
_WORKERS = 3
"""How many are named."""
_ERRORS, _MANY_ERRORS = 0.01, 0.1
"""Shares of the requests."""

Snapshot = Mapping[str, Any]  # Any: JSON


def find_faults(snapshot: Snapshot) -> list[dict[str, str]]:
    """The faults: `level` is ``error`` or ``warning``, and `text` one line; errors come first."""
    found = [
        *_of_the_arbiter(snapshot),
        *_of_the_server(snapshot),
        *_shortened(list(_of_workers(snapshot))),
        *_shortened(list(_of_memory(snapshot["workers"]))),
        *_of_reloads(snapshot),
        *_of_exits(snapshot),
        *_of_certificates(snapshot),
    ]
    found.sort(key=lambda fault: fault[0] != "error")
    return [{"level": level, "text": text} for level, text in found]


def _of_the_arbiter(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    overdue, arbiter = snapshot["arbiter_overdue_seconds"], f"The arbiter (pid {snapshot['pid']})"
    lost = "no worker is started, ended or replaced, and no command is taken"
    if snapshot["arbiter_is_stopped"]:
        yield "error", f"{arbiter} is stopped (SIGSTOP, or a debugger): {lost}."
    elif overdue >= LONG:
        yield "error", f"{arbiter} has not done for {overdue:.0f} s what is due: {lost}."


_UNKNOWN_QUEUES = "the kernel does not say how many connections wait"
"""A sandbox may forbid to ask it (AF_NETLINK), and Linux alone can be asked."""


def _of_the_server(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    workers, wanted = snapshot["workers"], snapshot["wanted"]
    ready = [each for each in workers if each["state"] == "ready"]
    if snapshot["is_draining"]:
        accepts = not snapshot["is_stopping"]
        left = ": it accepts connections until drain_delay is over"
        yield "warning", f"The server is stopping{left if accepts else _what_is_left(workers)}."
        return
    if not wanted:
        yield "error", "No worker is wanted: nothing is served (hookserve ctl scale N)."
    elif not ready:
        yield "error", "No worker is ready: nothing is served."
    elif len(ready) < wanted:
        yield "warning", f"{len(ready)} of {wanted} workers are ready."
    capacity = sum(each["capacity"] for each in ready)
    waiting = sum(each["length"] for each in snapshot["queues"])
    connections = f"{counted(waiting, 'connection')} wait{'s' if waiting == 1 else ''}"
    if not waiting:
        connections = "no connection waits" if snapshot["queues"] else _UNKNOWN_QUEUES
    if ready and sum(each["busy"] for each in ready) >= capacity:
        level = "error" if waiting else "warning"
        yield (
            level,
            f"Every place is busy ({capacity} of {capacity}), and {connections} (more workers or"
            " threads serve more).",
        )
    elif waiting > len(ready):
        yield "warning", f"{connections} to be accepted."
    yield from _of_responses(snapshot["rates"])
    for queue in snapshot["queues"]:
        if queue["limit"] and queue["length"] >= queue["limit"]:
            yield (
                "error",
                f"The accept queue of {queue['address']} is full ({queue['length']}): new clients"
                " are not answered.",
            )


def _what_is_left(workers: Sequence[Mapping[str, Any]]) -> str:
    ages = [request["seconds"] for each in workers for request in each["in_flight"]]
    if not ages:
        return ""
    count = counted(len(ages), "request")
    return f": it waits for {count} in flight, the oldest has run for {max(ages):.0f} s"


def _of_responses(rates: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    refused, everything = rates["refused"], "the requests"
    if refused:
        share = refused / (refused + rates["requests"])
        yield (
            _level(share),
            f"{share:.0%} of {everything} are refused with 503: they have waited longer than"
            " queue_timeout.",
        )
        everything = "the other requests"
    share = rates["server_errors"] / rates["requests"] if rates["requests"] else 0.0
    if share >= _ERRORS:
        yield _level(share), f"{share:.0%} of {everything} end with a server error (5xx)."


def _level(share: float) -> str:
    return "error" if share >= _MANY_ERRORS else "warning"


def is_stuck(worker: Mapping[str, Any], timeout: float) -> bool:
    """Whether a worker gives no sign of life, or each of its places is held by a long request."""
    # A worker that waits gives a sign of life twice within the time.
    if timeout and worker["silent_seconds"] > 0.75 * timeout and worker["state"] != "booting":
        return True
    if _loop_lag(worker) >= LONG:
        return True
    ages = [each["seconds"] for each in worker["in_flight"]]
    return 0 < int(worker["capacity"]) <= len(ages) and min(ages) >= LONG


def _loop_lag(worker: Mapping[str, Any]) -> float:
    """How late its event loop is, or how long that has been blocked; 0.0 where there is none."""
    return float(max(worker["fields"].get(_LOOP_LAG, ()), default=0.0))


def _of_workers(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for worker in snapshot["workers"]:
        fault = _of_worker(worker, snapshot["timeout"], snapshot["boot_timeout"])
        if fault is not None:
            level, text = fault
            yield level, f"Worker {worker['index']} (pid {worker['pid']}) {text}"


def _of_worker(
    worker: Mapping[str, Any], timeout: float, boot_timeout: float
) -> tuple[str, str] | None:
    if worker["state"] == "booting":
        return _of_boot(worker["age_seconds"], boot_timeout)
    oldest = worker["in_flight"][0] if worker["in_flight"] else None
    running = f": {_culprit(worker)}" if oldest else ""
    silent, lag = worker["silent_seconds"], _loop_lag(worker)
    if timeout and silent > 0.75 * timeout:
        return "error", f"has been silent for {silent:.0f} s{_end(worker, timeout)}{running}"
    if lag >= _LAG:  # the oldest request need not be the one that blocks it
        return (
            "error" if lag >= LONG else "warning",
            f"serves no other connection: the event loop has been blocked for {lag:.0f} s"
            f" (hookserve ctl stacks {worker['index']})",
        )
    if oldest is None or oldest["seconds"] < LONG:
        return None
    if is_stuck(worker, timeout):
        return (
            "error",
            f"is stuck: each of its places has run a request for more than {LONG:g} s,"
            f" the oldest for {oldest['seconds']:.0f} s: {oldest['label']} (hookserve ctl stacks"
            f" {worker['index']})",
        )
    if worker["capacity"] <= _FEW_PLACES:
        return "warning", f"has run a request for {oldest['seconds']:.0f} s: {oldest['label']}"
    return None


def _culprit(worker: Mapping[str, Any]) -> str:
    """What a worker that hangs runs; of several requests the oldest need not be the one."""
    requests = worker["in_flight"]
    if len(requests) == 1:
        return str(requests[0]["label"])
    return f"one of {len(requests)} requests (hookserve ctl stacks {worker['index']})"


def _end(worker: Mapping[str, Any], timeout: float) -> str:
    """When a worker that is silent is ended."""
    silent = worker["silent_seconds"]
    if worker["state"] != "ready":
        return ", and graceful_timeout ends it"
    if silent <= timeout:
        return f" and is ended at {timeout:g} s"
    if silent <= timeout + LONG:
        return f" and is being ended, for timeout is {timeout:g} s"
    return f" and was to be ended at {timeout:g} s"  # the arbiter is stuck


def _of_boot(age: float, limit: float) -> tuple[str, str] | None:
    if age < _BOOT:
        return None
    end = f" and is ended at {limit:g} s" if limit else ", and boot_timeout does not end it"
    return "warning", f"has been booting for {age:.0f} s{end}"


def _of_memory(workers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for worker in workers:
        fields = worker["fields"]
        if worker["state"] == "ready" and any(fields.get(_KEPT, ())):
            yield (
                "error",
                f"Worker {worker['index']} (pid {worker['pid']}) takes"
                f" {size(fields[_SIZE][0])}, memory_limit is {size(fields[_SIZE_LIMIT][0])}, and it"
                " is not replaced: a replacement exceeded the limit when it was first measured"
                " (raise memory_limit, or mend what leaks).",
            )


def _shortened(faults: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A few of them: what is wrong with all workers is one fault."""
    more = len(faults) - _WORKERS
    if more <= 0:
        return faults
    are = "is" if more == 1 else "are"
    text = f"{counted(more, 'more worker')} {are} in the same state."
    return [*faults[:_WORKERS], ("error", text)]


def _of_reloads(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    if snapshot["reload"]["wanted"]:
        new = snapshot["reload"]["generation"]
        old = sum(each["generation"] < new for each in snapshot["workers"])
        left = f"{counted(old, 'worker')} {'is' if old == 1 else 'are'} left of the old generation"
        if not old and not any(each["state"] == "booting" for each in snapshot["workers"]):
            left = "the new code is being loaded, and no worker has it yet"
        yield "warning", f"A reload is under way: {left}."
    elif snapshot["reloads"] and not snapshot["reloads"][0]["is_complete"]:
        reload = snapshot["reloads"][0]
        yield (
            "error",
            f"The last reload failed, generation {snapshot['generation']} serves on:"
            f" {reload['reason']} (correct it, and reload).",
        )


def _of_exits(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    now = snapshot["time"]
    recent = [each for each in snapshot["exits"]["latest"] if now - each["at"] < _RECENT]
    lost = [each for each in recent if not each["is_orderly"]]
    if lost:
        newest, count = lost[0], len(lost)
        more = f"; {count} in the last 5 minutes" if count > 1 else ""
        yield (
            "error" if count >= _MANY_LOST else "warning",
            f"Worker {newest['index']} (pid {newest['pid']}) was lost"
            f" {now - newest['at']:.0f} s ago: {newest['reason']}{more}",
        )
    yield from _of_limits(recent, now)


def _of_limits(recent: Sequence[Mapping[str, Any]], now: float) -> Iterator[tuple[str, str]]:
    """Workers that had exceeded a limit: a reason with a colon says what was measured."""
    found = [each for each in recent if _LIMIT.match(each["reason"])]
    if len(found) > 1:
        reason = found[0]["reason"].removeprefix("recycled (").removesuffix(")")
        yield (
            "warning",
            f"{len(found)} workers were recycled in the last 5 minutes, the last one"
            f" {now - found[0]['at']:.0f} s ago: {reason}",
        )


def _of_certificates(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for certificate in snapshot["certificates"]:
        days = certificate["days_left"]
        if days is None:
            yield "warning", f"The certificate {certificate['file']} cannot be read."
        elif days < _DAYS:
            level = "error" if days < 1 else "warning"
            yield level, f"The certificate {certificate['file']} {_expiry(certificate)}."


def _expiry(certificate: Mapping[str, Any]) -> str:
    days = certificate["days_left"]
    when = (
        "has expired"
        if days < 0
        else f"expires in {counted(int(24 * days), 'hour')}"
        if days < 2
        else f"expires in {days:.0f} days"
    )
    if certificate["is_replaced"]:
        return f"{when}, and the one in its place is served after a reload (hookserve ctl reload)"
    return when
