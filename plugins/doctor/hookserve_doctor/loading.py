"""Loads an application in a child process, which has a limited time for it and may end in any
way."""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

from hookserve.system.calls import reap, unnamed_file

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost

_LIMIT = 30.0
"""Seconds for an application where `boot_timeout` says nothing."""
_PAUSE = 0.02
_DUMP_TIME = 1.0
"""Seconds that a process has to write its stack."""
_RESERVE = 10
"""Seconds after the limit, when a process ends whose parent has not ended it."""
_FRAME = r'(?m)^  File "(.+)", line (\d+) in .*\n'
"""As faulthandler writes it: https://docs.python.org/3/library/faulthandler.html."""


class NotLoaded(Exception):
    """What became of the application, as the rest of a sentence about it, and a remedy."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


def load_in_child(config: Config, host: PluginHost) -> dict[str, list[str]]:
    """What `inspect_loading` finds in a child process; raises NotLoaded.

    The child, and what it has started in its process group, have ended when this returns.
    """
    report = unnamed_file("hookserve-doctor")
    pid = os.fork()
    if pid == 0:
        _become_child(report, config, host)
    _make_group(pid)  # whichever of the two is first
    try:
        return _read(report, pid, config)
    finally:
        _end_group(pid)
        os.close(report)


def _become_child(report: int, config: Config, host: PluginHost) -> None:
    """Load it, write the report and end: never returns."""
    end_process = os._exit  # the inspection replaces it
    try:
        from hookserve_doctor.inspection import inspect_loading

        _make_group(0)
        signal.alarm(int(_limit(config)) + _RESERVE)  # in case that the parent is killed
        os.dup2(2, 1)  # what the application prints is no part of the report
        # In C, so that they work whatever the process is doing.
        faulthandler.enable(report, all_threads=False)
        faulthandler.register(signal.SIGUSR1, report, all_threads=False)
        inspect_loading(config, host, report)
    finally:
        end_process(0)


def _limit(config: Config) -> float:
    return float(config.boot_timeout or _LIMIT)


def _read(report: int, pid: int, config: Config) -> dict[str, list[str]]:
    limit = _limit(config)
    status = _wait(pid, limit)
    if status is None:
        raise _late(limit, _stack(report, pid), bool(config.boot_timeout))
    text = _text(report)
    try:
        found: dict[str, Any] = json.loads(text)  # Any: lists, or texts
    except ValueError:
        raise _ended(status, text) from None
    if "error" in found:
        raise NotLoaded(f"cannot be loaded: {found['error']}", found["remedy"])
    return found


def _wait(pid: int, limit: float) -> int | None:
    """The wait status of the child; `None` when it has not ended after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        status = reap(pid)
        if status is not None or time.monotonic() > deadline:
            return status
        time.sleep(_PAUSE)


def _stack(report: int, pid: int) -> str:
    """The stack of the child's main thread, as faulthandler writes it; empty when it does not."""
    os.kill(pid, signal.SIGUSR1)
    deadline = time.monotonic() + _DUMP_TIME
    while not _place(_text(report)) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return _text(report)


def _late(limit: float, stack: str, is_set: bool) -> NotLoaded:
    source, place = " (boot_timeout)" if is_set else "", _place(stack)
    more = "raise boot_timeout" if is_set else "set boot_timeout, which is how long doctor waits"
    return NotLoaded(
        f"was not loaded within {limit:g} s{source}" + (f": it was{place}" if place else ""),
        f"mend what it waits for when it is imported; if it may take longer, {more}",
    )


def _ended(status: int, text: str) -> NotLoaded:
    """For a process that has ended without a report."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return NotLoaded(
            f"ended the process that loaded it, with exit code {code}",
            "look for a library in C that calls exit(3): python -v shows the last import",
        )
    return NotLoaded(
        f"cannot be loaded: signal {-code} ended its process ({signal.strsignal(-code)})"
        f"{_place(text)}",
        "look for a library in C that crashes there, or for what sent the signal",
    )


def _place(stack: str) -> str:
    """The innermost frame that is not of the standard library: `` at FILE:LINE``, or nothing."""
    from hookserve_doctor.inspection import is_library

    for file, line in re.findall(_FRAME, stack):
        if not is_library(file):
            return f" at {file}:{line}"
    return ""


def _text(report: int) -> str:
    return os.pread(report, os.fstat(report).st_size, 0).decode(errors="replace")


def _make_group(pid: int) -> None:
    try:
        os.setpgid(pid, pid)
    except OSError:  # it has one, or has ended
        pass


def _end_group(pid: int) -> None:
    """End what is left of the child's group, and reap the child."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:  # there is nothing left
        pass
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass
