"""Runs the tests twice, side by side and then what measures alone; one closing line for both.

``python -m tests.support.suite [--everything] [pytest's arguments]``.
"""

import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
COUNTS_VARIABLE = "PYTEST_COUNTS_FILE"
NO_TESTS = 5
"""pytest's exit code for a selection without tests."""
PROCESSES_A_CORE = 3
"""Tests wait more than they compute."""
WORDS = ("passed", "failed", "error", "skipped", "xfailed")


def compile_sources():
    """Compile what servers import: with PYTHONDONTWRITEBYTECODE each start would do it again."""
    folders = [ROOT / name for name in ("hookserve", "plugins", "examples")]
    for folder in folders:
        compileall.compile_dir(folder, quiet=2, workers=0)


def run(expression, arguments, found):
    """Run pytest with a marker expression; its exit code, and what it leaves in `found`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "counts")
        command = [sys.executable, "-m", "pytest", "-m", expression, *arguments]
        variables = {**os.environ, COUNTS_VARIABLE: str(path)}
        # pytest keeps the tests whose assertions it has rewritten; `conftest` sets it again.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        code = subprocess.run(command, env=variables, check=False).returncode
        if path.exists():
            read = json.loads(path.read_text())
            found["counts"].update(read["counts"])
            found["failed"] += read["failed"]
    return code


def closing_line(counts, seconds):
    """As pytest's own: ``9 passed, 1 failed in 3.21s``, with the failures always in it."""
    parts = [
        f"{counts[word]} {word}" for word in WORDS if counts[word] or word in ("passed", "failed")
    ]
    return f"{', '.join(parts)} in {seconds:.2f}s"


def main(arguments):
    """Run both parts; 0 when both succeed, or one of them does and the other has no tests."""
    began = time.monotonic()
    compile_sources()
    condition = " and not everywhere"
    if "--everything" in arguments:
        arguments.remove("--everything")
        condition = ""
    found = {"counts": Counter(), "failed": []}
    processes = min(16, PROCESSES_A_CORE * len(os.sched_getaffinity(0)))
    side_by_side = ["-n", str(processes), "--no-loadscope-reorder"]
    codes = {
        run(f"not serial{condition}", [*side_by_side, *arguments], found),
        run(f"serial{condition}", arguments, found),
    }
    for test in found["failed"]:
        print("FAILED", test)
    print(closing_line(found["counts"], time.monotonic() - began))
    codes -= {0, NO_TESTS} if 0 in codes else {0}
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
