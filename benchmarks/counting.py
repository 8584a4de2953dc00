"""What the kernel and the processor can count of a server: system calls, instructions.

Both in turns of their own, for counting costs time, much of it in strace's case.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.accounting import tree_of

_DEADLINE = 5.0


def system_calls(root: int, load: Callable[[], int]) -> float | None:
    """System calls of a tree for each of the requests that ``load`` returns the number of.

    None where there is no strace, and where there was no request.
    """
    if shutil.which("strace") is None:
        return None
    pids = tree_of(root)
    words = ["strace", "-c", "-f", "-q", *(f"--attach={pid}" for pid in pids)]
    with _watching(words, lambda: all(_is_traced(pid) for pid in pids)) as report:
        requests = load()
    return parse_strace(report[0]) / requests if requests else None


def instructions(root: int, load: Callable[[], int]) -> float | None:
    """Instructions of a tree for each request; None where this machine does not count them."""
    if not _counts_instructions():
        return None
    pids = ",".join(map(str, tree_of(root)))
    words = ["perf", "stat", "-x", ",", "-e", "instructions", "-p", pids]
    with _watching(words, lambda: True) as report:
        requests = load()
    count = parse_perf(report[0])
    return count / requests if count and requests else None


def parse_strace(report: str) -> int:
    """The number of calls in a summary of ``strace -c``."""
    lines = [line.split() for line in report.splitlines()]
    rows = [line for line in lines if len(line) >= 5 and line[0].replace(".", "").isdigit()]
    return sum(int(row[3]) for row in rows if row[-1] != "total")


def parse_perf(report: str) -> int | None:
    """The count in ``perf stat -x ,``; None when it says that there is none."""
    for line in report.splitlines():
        count, _, rest = line.partition(",")
        if "instructions" in rest and count.isdigit():
            return int(count)
    return None


def _counts_instructions() -> bool:
    if shutil.which("perf") is None:
        return False
    done = subprocess.run(
        ["perf", "stat", "-x", ",", "-e", "instructions", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return parse_perf(done.stderr) is not None


@contextmanager
def _watching(words: list[str], is_ready: Callable[[], bool]) -> Iterator[list[str]]:
    """Runs an observer, which reports on its standard error when it is interrupted."""
    report: list[str] = []
    observer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + _DEADLINE
    while not is_ready() and observer.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield report
    finally:
        observer.send_signal(signal.SIGINT)
        report.append(observer.communicate()[1])


def _is_traced(pid: int) -> bool:
    """Each of its threads."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return all("TracerPid:\t0" not in (task / "status").read_text() for task in tasks)
    except OSError:
        return True
