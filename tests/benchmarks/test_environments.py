"""Why something cannot be installed is said in a line."""

import pytest

from benchmarks import environments
from benchmarks.contenders import BJOERN, EPOLL, NGINX

COMPILING = """  error: subprocess-exited-with-error
      bjoern/server.c:3:10: fatal error: ev.h: No such file or directory
      compilation terminated.
      error: command '/usr/bin/gcc' failed with exit code 1
ERROR: Failed to build bjoern
"""


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (COMPILING, "ev.h: No such file or directory"),
        (
            "      error: command 'gcc' failed: No such file\nERROR: Failed to build x\n",
            "command 'gcc' failed: No such file",
        ),
        (
            "WARNING: x\nERROR: No matching distribution found for x\n",
            "No matching distribution found for x",
        ),
        ("", "pip does not say why"),
    ],
)
def test_the_most_telling_line_is_found(output, message):
    assert environments.flaw_of(output) == message


def test_only_what_is_missing_is_absent(monkeypatch):
    missing = {"bjoern": "no libev"}
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)

    assert environments.absent(BJOERN, missing) == "not installable here: no libev"
    assert environments.absent(EPOLL, missing) is None
    assert "nginx is not installed" in environments.absent(NGINX, missing)
