"""Running the suite, and reading what it has found."""

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

PARTS = [
    ["1.*", "2.*", "3.*", "4.*", "5.*", "7.*", "10.*"],
    ["6.*"],
    ["9.*"],
    *([f"12.{number}.*"] for number in range(1, 6)),
    *([f"13.{number}.*"] for number in range(1, 8)),
]
"""The cases in parts that run at the same time as others, by their patterns."""
SECTIONS = {
    1: "framing",
    2: "pings and pongs",
    3: "reserved bits",
    4: "opcodes",
    5: "fragmentation",
    6: "UTF-8",
    7: "closing",
    9: "limits and speed",
    10: "other",
    12: "deflate: payloads",
    13: "deflate: parameters",
}
PASSED = frozenset({"OK", "INFORMATIONAL"})


class Result(NamedTuple):
    """What the suite says of a case."""

    case: str
    behavior: str
    close: str

    @property
    def has_passed(self):
        return {self.behavior, self.close} <= PASSED

    @property
    def section(self):
        return int(self.case.partition(".")[0])


def run(url, patterns, python, library, folder, seconds):
    """The results of the cases that match; raises TimeoutExpired and CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    specification = {
        "outdir": str(folder),
        "servers": [{"agent": "hookserve", "url": url}],
        "cases": patterns,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    path = folder / "specification.json"
    path.write_text(json.dumps(specification))
    with (folder / "log").open("wb") as log:
        subprocess.run(
            [python, "-m", "autobahntestsuite.wstest", "-m", "fuzzingclient", "-s", str(path)],
            env={**os.environ, "PYTHONPATH": str(library), "PYTHONWARNINGS": "ignore"},
            stdout=log,
            stderr=log,
            timeout=max(1.0, seconds),
            check=True,
        )
    return read(folder)


def read(folder):
    """The results in a folder of reports."""
    found = json.loads(Path(folder, "index.json").read_text())["hookserve"]
    return [Result(case, each["behavior"], each["behaviorClose"]) for case, each in found.items()]


def table(results):
    """The lines of the report: passed and failed by section, and each case that has failed."""
    lines = []
    for section in sorted({each.section for each in results}):
        of_it = [each for each in results if each.section == section]
        passed = sum(each.has_passed for each in of_it)
        name = SECTIONS.get(section, "")
        lines.append(f"{section:>3} {name:22} {passed:4} passed {len(of_it) - passed:4} failed")
    passed = sum(each.has_passed for each in results)
    lines.append(f"    {'all':22} {passed:4} passed {len(results) - passed:4} failed")
    for each in results:
        if not each.has_passed:
            lines.append(f"{each.case}: {each.behavior}, close {each.close}")
    return lines
