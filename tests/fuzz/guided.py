"""Coverage-guided fuzzing of one target, in a process of its own."""

import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.report import Row

HERE = Path(__file__).parent
LONGEST_INPUT = 4096
LONGEST_TIME = 5
"""Seconds that one execution may take; more is a finding."""
MOST_MEMORY = 1024
"""Mebibytes that the process may have; more is a finding."""
GRACE = 120.0
"""What the process may take beyond its time: imports, the seeds, one slow execution."""

_EXECUTIONS = r"number_of_executed_units: (\d+)"
_BEGINNING = r"INITED +cov: (\d+)"
_COVERAGE = r"cov: (\d+) ft: \d+ corp: (\d+)/"


def fuzz(name, directory, executions, seconds, seed):
    """Fuzz until one of the two is used up, or something is found."""
    corpus, findings = directory / name, directory / "findings" / name
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    known = set(findings.iterdir())
    for data in targets.load(name).seeds():
        (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
    command = _command(name, executions, seconds, seed, corpus, findings)
    begun = time.monotonic()
    process = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=seconds + GRACE,
    )
    (directory / f"{name}.log").write_text(process.stderr + process.stdout)
    return read(
        name,
        process.returncode,
        process.stderr + process.stdout,
        sorted(set(findings.iterdir()) - known),
        time.monotonic() - begun,
    )


def _command(name, executions, seconds, seed, corpus, findings):
    words = [
        sys.executable,
        "-m",
        "tests.fuzz.engine",
        name,
        corpus,
        f"-runs={executions}",
        f"-max_total_time={seconds:.0f}",
        f"-seed={seed}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={LONGEST_TIME}",
        f"-rss_limit_mb={MOST_MEMORY}",
        f"-dict={HERE / 'tokens.dict'}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
    ]
    return list(map(str, words))


def read(name, code, log, found, seconds):
    """The row that libFuzzer's log and what it left amount to."""
    executions, beginning = re.findall(_EXECUTIONS, log), re.findall(_BEGINNING, log)
    coverage = re.findall(_COVERAGE, log)
    problems = [f"{path}: {_reason(log)}" for path in found]
    if code and not problems:
        problems = [f"the fuzzer ended with {code}: {_reason(log)}"]
    return Row(
        target=name,
        executions=int(executions[-1]) if executions else 0,
        seconds=seconds,
        coverage=int(coverage[-1][0]) if coverage else 0,
        corpus=int(coverage[-1][1]) if coverage else 0,
        new=int(coverage[-1][0]) - int(beginning[0]) if coverage and beginning else 0,
        findings=problems,
    )


def _reason(log):
    """The line that says what was wrong."""
    lines = re.findall(r"^(?:\w+Error.*|ALARM:.*|SUMMARY:.*)$", log, re.MULTILINE)
    return lines[0][:300] if lines else "see its log"
