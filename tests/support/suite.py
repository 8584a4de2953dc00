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
from importlib.util import cache_from_source
from pathlib import Path

ROOT = Path(__file__).parents[2]
COUNTS_VARIABLE = "PYTEST_COUNTS_FILE"
TESTS_FAILED, NO_TESTS = 1, 5
"""Exit codes of pytest."""
MOST_AGAIN = 12
"""With more failures something is wrong, and not only slow."""
MANY = 40
"""Files of tests; fewer are rewritten by each process sooner than by others before."""
PROCESSES_A_CORE = 3
"""Tests wait more than they compute."""
WORDS = ("passed", "failed", "error", "skipped", "xfailed")


def compile_sources():
    """Compile what servers import: with PYTHONDONTWRITEBYTECODE each start would do it again."""
    folders = [ROOT / name for name in ("hookserve", "plugins", "examples")]
    for folder in folders:
        compileall.compile_dir(folder, quiet=2, workers=0)


def environment(**variables):
    """Of a process of pytest: it keeps the tests whose assertions it has rewritten.

    `conftest` sets the variable again for what the tests start.
    """
    kept = {**os.environ, **variables}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def compile_tests(processes):
    """Have pytest rewrite the assertions of all tests, if many are new, shared by processes.

    Those that run the tests begin at once and with the same file: each would rewrite them all.
    """
    files = [str(path) for path in find_tests() if not is_compiled(path)]
    if len(files) < MANY:
        return
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"]
    started = [
        subprocess.Popen(
            [*command, *files[number::processes]],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(processes)
    ]
    for each in started:
        each.wait()  # what cannot be collected is said by the run


def is_compiled(path):
    """Whether pytest has kept what it made of the file as it is now."""
    kept = Path(cache_from_source(path)).parent.glob(f"{path.stem}.*pytest-*.pyc")
    changed = path.stat().st_mtime
    return any(each.stat().st_mtime >= changed for each in kept)


def find_tests():
    """The files with tests."""
    folders = [ROOT / "tests", ROOT / "plugins"]
    return sorted(path for folder in folders for path in folder.rglob("test_*.py"))


def run(arguments):
    """Run pytest: its exit code, how many tests ended how, and the names of those that failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "counts")
        command = [sys.executable, "-m", "pytest", *arguments]
        variables = environment(**{COUNTS_VARIABLE: str(path)})
        code = subprocess.run(command, env=variables, check=False).returncode
        found = json.loads(path.read_text()) if path.exists() else {"counts": {}, "failed": []}
    return code, Counter(found["counts"]), found["failed"]


def run_alone(failed, counts):
    """Run once more, alone, what failed beside others; what fails again.

    The machine may have been too busy for a test with a deadline.  Each is named either way.
    """
    failed = sorted(set(failed))
    if not failed or len(failed) > MOST_AGAIN:
        return failed
    print(f"once more, alone: {len(failed)} tests that failed beside others")
    _, _, again = run(failed)
    passed = [test for test in failed if test not in again]
    for test in passed:
        print("PASSED ALONE", test)
    counts["failed"] -= sum(test in passed for test in failed)
    counts["passed"] += len(passed)
    counts["failed"] = max(counts["failed"], len(again))
    if not again:
        counts["error"] = counts["failed"] = 0
    return again


def files_that_measure():
    """The files with a test that runs alone: to collect all others takes as long as these run."""
    return [str(path) for path in find_tests() if "mark.serial" in path.read_text()]


def closing_line(counts, seconds):
    """As pytest's own: ``9 passed, 1 failed in 3.21s``, with the failures always in it."""
    parts = [
        f"{counts[word]} {word}" for word in WORDS if counts[word] or word in ("passed", "failed")
    ]
    return f"{', '.join(parts)} in {seconds:.2f}s"


def main(arguments):
    """Run both parts; 0 when no test fails, or 5 when there is none."""
    began = time.monotonic()
    compile_sources()
    condition = " and not everywhere"
    if "--everything" in arguments:
        arguments.remove("--everything")
        condition = ""
    cores = len(os.sched_getaffinity(0))
    compile_tests(cores)
    processes = min(16, PROCESSES_A_CORE * cores)
    side_by_side = ["-n", str(processes), "--no-loadscope-reorder"]
    first = run(["-m", f"not serial{condition}", *side_by_side, *arguments])
    has_names = any(not argument.startswith("-") for argument in arguments)
    files = [] if has_names else files_that_measure()
    second = run(["-m", f"serial{condition}", *files, *arguments])
    codes, counts = {first[0], second[0]}, first[1] + second[1]
    failed = run_alone(first[2] + second[2], counts)
    for test in failed:
        print("FAILED", test)
    print(closing_line(counts, time.monotonic() - began))
    if failed or codes - {0, TESTS_FAILED, NO_TESTS}:
        return max(codes)
    return 0 if codes - {NO_TESTS} else NO_TESTS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
