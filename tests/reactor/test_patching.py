"""Who came before the patch is found and named."""

import gc
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from hookserve.errors import BootError
from hookserve.reactor.patching import PatchCheck


@pytest.fixture(autouse=True)
def _seen_by_the_collector():
    """The check asks the garbage collector, which the tests' own `conftest` has told to pass over
    what is loaded."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.fixture
def module(monkeypatch):
    """A third module, imported before anything is patched."""
    made = types.ModuleType("third")
    made.__file__ = "/srv/third.py"
    monkeypatch.setitem(sys.modules, "third", made)
    return made


def fake(*_):
    """What a library would put in the place of something."""


def test_no_module_keeps_a_stale_reference(module, monkeypatch):
    check = PatchCheck()
    monkeypatch.setattr(time, "sleep", fake)

    assert check.check_stale_references("green", ("pytest", "_pytest", "tests")) is None


def test_a_module_with_a_stale_reference_is_named_with_it(module, monkeypatch):
    module.nap = time.sleep
    check = PatchCheck()
    monkeypatch.setattr(time, "sleep", fake)

    with pytest.raises(BootError) as caught:
        check.check_stale_references("green", ("pytest", "_pytest"))

    assert str(caught.value).startswith(
        "worker 'green': the module third (/srv/third.py) was imported before patching"
        " and keeps the blocking time.sleep"
    )


def test_what_was_not_replaced_may_be_kept(module, monkeypatch):
    module.socket = socket.socket
    check = PatchCheck()
    monkeypatch.setattr(time, "sleep", fake)

    assert check.check_stale_references("green", ("pytest", "_pytest")) is None


def test_the_event_libraries_may_keep_what_they_like(module, monkeypatch):
    module.nap = time.sleep
    check = PatchCheck()
    monkeypatch.setattr(time, "sleep", fake)

    assert check.check_stale_references("green", ("third", "pytest", "_pytest")) is None


@pytest.mark.process
def test_the_core_keeps_only_what_it_must():
    """hookserve.system.calls is the one home of what must not be patched."""
    script = (
        "import hookserve.launch.start, hookserve.reactor.green, hookserve.system.calls, sys\n"
        "from hookserve.reactor.patching import PatchCheck\n"
        "found = PatchCheck()._found\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('hookserve'):\n"
        "        if any(id(value) in found for value in vars(module).values()):\n"
        "            print(module.__file__)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    homes = [Path(line) for line in result.stdout.splitlines()]
    own = [
        path.name for path in homes if "from hookserve.system.calls import" not in path.read_text()
    ]
    assert "calls.py" in own
    assert set(own) <= {"calls.py", "poller.py"}
