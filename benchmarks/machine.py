"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path


def describe() -> dict[str, str]:
    """Names and values, as they stand on the page."""
    return {
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "processor": f"{_model()}, {len(os.sched_getaffinity(0))} of them",
        "wrk": _first_word(["wrk", "-v"], r"wrk (\S+)"),
        "nginx": _first_word(["nginx", "-v"], r"nginx/(\S+)"),
        "strace": _first_word(["strace", "-V"], r"version (\S+)"),
    }


def _model() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def _first_word(command: list[str], expression: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    match = re.search(expression, done.stdout + done.stderr)
    return match[1] if match else "unknown"
