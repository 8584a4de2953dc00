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
    report = os.memfd_create("hookserve-doctor")
    pid = os.fork()
    if pid == 0:
        _become_child(report, config, host)
    try:
        return _read(report, pid, config)
    finally:
        # Until the child is reaped its group is there, and no other process has its id.
        _kill_group(pid)
        os.waitpid(pid, 0)
        os.close(report)


def _become_child(report: int, config: Config, host: PluginHost) -> None:
    """Load it, write the report and end: never returns."""
    end_process = os._exit  # the inspection replaces it
    try:
        from hookserve_doctor.inspection import inspect_loading

        os.setpgid(0, 0)
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
    end = _wait(pid, limit)
    if end is None:
        raise _late(limit, _stack(report, pid), bool(config.boot_timeout))
    text = _text(report)
    try:
        found: dict[str, Any] = json.loads(text)  # Any: lists, or texts
    except ValueError:
        raise _ended(end, text) from None
    if "error" in found:
        raise NotLoaded(f"cannot be loaded: {found['error']}", found["remedy"])
    return found


def _wait(pid: int, limit: float) -> os.waitid_result | None:
    """How the child has ended, unreaped; `None` when it has not, after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if end is not None or time.monotonic() > deadline:
            return end
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


def _ended(end: os.waitid_result, text: str) -> NotLoaded:
    """For a process that has ended without a report."""
    if end.si_code == os.CLD_EXITED:
        return NotLoaded(
            f"ended the process that loaded it, with exit code {end.si_status}",
            "look for a library in C that calls exit(3): python -v shows the last import",
        )
    name = signal.strsignal(end.si_status)
    return NotLoaded(
        f"cannot be loaded: signal {end.si_status} ended its process ({name}){_place(text)}",
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


def _kill_group(pid: int) -> None:
    """End the child, and its group where it has got so far as to make one."""
    os.kill(pid, signal.SIGKILL)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
