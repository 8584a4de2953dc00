"""Why a worker is gone."""

from types import SimpleNamespace

import pytest
from support.cgroups import group_of
from support.fake_arbiter import FakeClock

from hookserve.arbiter import handles
from hookserve.arbiter.exits import OutOfMemoryCounter, classify
from hookserve.arbiter.handles import Escalation
from hookserve.system.cgroup import ControlGroups
from hookserve.types import RequestInFlight

KILLED, EXITED_0, EXITED_7 = 9, 0, 7 << 8


def handle(**values):
    defaults = {
        "escalation": None,
        "boot_error": "",
        "kill_reason": "",
        "recycle_reason": "",
        "state": handles.READY,
    }
    return SimpleNamespace(**{**defaults, **values})


def kills(folder, count):
    """A control group in which the kernel has killed so many."""
    return group_of(folder, memory__events=f"low 0\noom 0\noom_kill {count}")


@pytest.mark.parametrize(
    ("values", "status", "shown"),
    [
        ({}, KILLED, "killed (SIGKILL)"),
        ({}, 15, "killed (SIGTERM)"),
        ({"kill_reason": "did not drain"}, KILLED, "killed by us (did not drain)"),
        ({}, EXITED_0, "exited (0)"),
        ({}, EXITED_7, "exited (7)"),
        ({"state": handles.DRAINING}, EXITED_0, "drained"),
        ({"state": handles.DRAINING}, EXITED_7, "exited (7)"),
        ({"recycle_reason": "max_requests"}, EXITED_0, "recycled (max_requests)"),
        ({"boot_error": "Traceback\nValueError: x"}, 3 << 8, "boot failed (ValueError: x)"),
        (
            {"escalation": Escalation("silent", [RequestInFlight("GET /", 1.5)], 0.0)},
            KILLED,
            "timed out (silent; in flight: GET / (1.5 s))",
        ),
    ],
)
def test_the_reason_is_reported(values, status, shown, tmp_path):
    counter = OutOfMemoryCounter(kills(tmp_path, 1))

    assert str(classify(handle(**values), status, counter)) == shown


def test_the_kernel_is_blamed_only_when_it_says_so(tmp_path):
    counter = OutOfMemoryCounter(kills(tmp_path, 1))
    assert classify(handle(), KILLED, counter).kind == "killed"

    (tmp_path / "mounted/shop/memory.events").write_text("oom_kill 2\n")

    assert classify(handle(), KILLED, counter).kind == "out of memory"
    assert classify(handle(), KILLED, counter).kind == "killed"


def test_the_kernel_is_blamed_for_each_of_those_that_it_has_killed_together(tmp_path):
    clock = FakeClock()
    counter = OutOfMemoryCounter(kills(tmp_path, 1), clock)
    events = tmp_path / "mounted/shop/memory.events"
    events.write_text("oom_kill 3\n")
    kinds = [classify(handle(), KILLED, counter).kind for _ in range(3)]
    assert kinds == ["out of memory", "out of memory", "killed"]

    events.write_text("oom_kill 5\n")
    assert classify(handle(), KILLED, counter).kind == "out of memory"
    clock.now += 60.0
    assert classify(handle(), KILLED, counter).kind == "killed"


def test_a_system_without_control_groups_is_no_error(tmp_path):
    assert not OutOfMemoryCounter(ControlGroups(str(tmp_path))).detect_kill()
