"""Patching, in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

LISTENER = """
seen = []
def listen(event):
    seen.append(event.module_name)
"""
ENTRY_POINTS = """[gevent.plugins.monkey.did_patch_module]
listener = listener:listen
"""
PROGRAM = """
import json
from importlib import metadata
count = 0
def counted(*args, _discover=metadata.Distribution.discover, **named):
    global count
    count += 1
    return _discover(*args, **named)
metadata.Distribution.discover = counted
read = metadata.entry_points
from hookserve_gevent.patch import patch
patch()
import listener
print(json.dumps([listener.seen, count, metadata.entry_points is read]))
"""


def test_who_listens_to_gevent_is_called_and_looked_for_once(tmp_path):
    (tmp_path / "listener.py").write_text(LISTENER)
    information = tmp_path / "listener-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: listener\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)

    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    seen, count, is_restored = json.loads(result.stdout)
    assert {"socket", "ssl", "threading"} <= set(seen)
    assert count == 1
    assert is_restored
