"""The application's own checks."""

import sys
import threading
import time
from math import inf

import pytest
from hookserve_health import checks
from hookserve_health.checks import Check, Checker, load_check
from hookserve_health.shared_state import SharedState

from hookserve.testing import wait_until


class Rounds:
    """A checker and its rounds, one at a time."""

    def __init__(self, *checks, limit=5.0):
        self.state, self.changed = SharedState(), threading.Condition()
        self.checker = Checker(checks, 10.0, limit, self.state, self._on_change)
        self.now = 100.0

    def _on_change(self):
        with self.changed:
            self.changed.notify_all()

    def run(self):
        """One round, to its end."""
        self.now += 10.0
        self.checker.step(self.now, lambda: self.now)
        with self.changed:
            self.changed.wait_for(lambda: self.checker._round is None, 10)


def passes():
    return None


def refuses():
    return False


def raises():
    raise ConnectionError("no database")


def exits():
    raise SystemExit(3)


def test_a_round_passes_when_each_check_does():
    rounds = Rounds(Check("a:b", passes), Check("c:d", lambda: True))
    rounds.run()

    assert rounds.state.is_checked
    assert rounds.state.failed is None
    assert rounds.checker.due() == rounds.now + 10.0


@pytest.mark.parametrize(
    ("check", "fault"),
    [(refuses, "it returned False"), (raises, "no database"), (exits, "SystemExit: 3")],
)
def test_a_check_fails_by_raising_or_by_returning_false(caplog, check, fault):
    rounds = Rounds(Check("a:b", passes), Check("shop:check", check))
    rounds.run()

    assert rounds.state.failed == 1
    assert "not ready: the check shop:check" in caplog.text
    assert fault in caplog.text


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("raise ConnectionError('no database')", "ConnectionError: no database"),
        ("return False", "it returned False"),
        ("pass", ""),
    ],
)
def test_a_check_of_coroutines_is_run(tmp_path, monkeypatch, caplog, body, fault):
    text = f"import asyncio\nasync def check():\n    await asyncio.sleep(0)\n    {body}\n"
    (tmp_path / "coroutines.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "coroutines", raising=False)
    rounds = Rounds(load_check("coroutines:check"))

    rounds.run()

    assert rounds.state.failed == (0 if fault else None)
    assert fault in caplog.text


def test_the_same_fault_is_logged_once_and_its_end_too(caplog):
    caplog.set_level("INFO")
    faults = [raises, raises, passes, passes]
    rounds = Rounds(Check("shop:check", lambda: faults.pop(0)()))
    for _ in range(4):
        rounds.run()

    messages = [each.getMessage() for each in caplog.records]
    assert len(messages) == 2
    assert messages[1] == "the checks of the application pass again"
    assert rounds.state.failed is None


def test_a_result_holds_until_the_next_one_is_due_with_all_limits_and_a_little_more():
    rounds = Rounds(Check("a:b", passes), Check("c:d", passes))
    rounds.run()

    assert not rounds.state.is_late(rounds.now + 10.0 + 2 * 5.0 + 2.0)
    assert rounds.state.is_late(rounds.now + 10.0 + 2 * 5.0 + 2.1)


def test_a_check_that_ended_the_process_before_is_logged(caplog):
    caplog.set_level("INFO")
    rounds = Rounds(Check("a:b", passes), Check("c:d", passes))
    rounds.state.running = 1
    rounds.checker.begin(rounds.now)
    assert rounds.state.failed == 1

    rounds.run()

    assert caplog.messages == [
        "not ready: the check c:d: its process has ended",
        "the checks of the application pass again",
    ]


def test_what_a_check_says_after_the_end_does_not_count(hang):
    check, rounds = hang(1)
    rounds.checker.begin(rounds.now)
    rounds.checker.step(rounds.now, lambda: rounds.now)
    check.entered.acquire(timeout=10)

    rounds.checker.end()
    check.leave.set()
    wait_until(lambda: check.returned == 1)

    assert rounds.state.running is None
    assert not rounds.state.is_checked


def test_the_import_has_a_time_of_its_own(hang):
    imports, rounds = hang(1)
    rounds.checker = Checker(
        [Check("a:b", passes, imports)], 10.0, 2.0, rounds.state, rounds._on_change
    )
    rounds.checker.begin(rounds.now)
    rounds.checker.step(rounds.now, lambda: rounds.now)
    imports.entered.acquire(timeout=10)
    assert rounds.checker.due() == rounds.now + 60.0
    rounds.checker.step(rounds.now + 3.0, time.monotonic)
    assert not rounds.state.is_checked

    imports.leave.set()
    wait_until(lambda: rounds.state.is_checked)
    assert rounds.state.failed is None


def test_a_result_from_before_holds_while_the_module_is_imported():
    state = SharedState("passed")
    Checker([Check("a:b", passes)], 10.0, 2.0, state, passes).begin(100.0)

    assert not state.is_late(100.0 + 60.0 + 14.0)
    assert state.is_late(100.0 + 60.0 + 14.5)


class Hanging:
    """A check that hangs the first times that it is called."""

    def __init__(self, times):
        self.times, self.calls, self.returned = times, 0, 0
        self.entered, self.leave = threading.Semaphore(0), threading.Event()

    def __call__(self):
        self.calls += 1
        number = self.calls
        self.entered.release()
        if number <= self.times:
            self.leave.wait(30)
        self.returned += 1


@pytest.fixture
def hang():
    made = []

    def hang(times):
        made.append(Hanging(times))
        return made[-1], Rounds(Check("shop:check", made[-1]), limit=2.0)

    yield hang
    for each in made:
        each.leave.set()


def test_a_check_that_takes_too_long_has_failed_at_that_moment(hang):
    check, rounds = hang(1)
    checker = rounds.checker
    checker.step(rounds.now, lambda: rounds.now)
    check.entered.acquire(timeout=10)
    assert checker.due() == rounds.now + 2.0
    assert not rounds.state.is_checked

    checker.step(rounds.now + 2.0, time.monotonic)
    assert rounds.state.failed == 0
    assert checker.due() == rounds.now + 12.0


def test_a_check_that_hangs_is_tried_again_and_what_it_says_later_does_not_count(hang, caplog):
    caplog.set_level("INFO")
    check, rounds = hang(1)
    rounds.checker.step(rounds.now, lambda: rounds.now)
    check.entered.acquire(timeout=10)
    rounds.checker.step(rounds.now + 2.0, time.monotonic)

    rounds.now += 2.0
    rounds.run()

    assert rounds.state.failed is None
    assert caplog.messages == [
        "not ready: the check shop:check: it takes longer than 2 s",
        "the checks of the application pass again",
    ]
    rounds.state.record(0, rounds.now)
    check.leave.set()
    wait_until(lambda: check.returned == 2 and rounds.checker._hanging == 0)
    assert rounds.state.failed == 0


def test_what_hangs_again_and_again_is_tried_less_and_less_often(hang, monkeypatch):
    monkeypatch.setattr(checks, "_MOST_HANGING", 5)
    check, rounds = hang(99)
    pauses = []
    for _ in range(5):
        rounds.checker.step(rounds.now, lambda: rounds.now)
        check.entered.acquire(timeout=10)
        rounds.now += 2.0
        rounds.checker.step(rounds.now, time.monotonic)
        pauses.append(rounds.checker._next - rounds.now)
        rounds.now = rounds.checker._next

    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0]
    assert rounds.checker.due() == inf
    rounds.checker.step(rounds.now + 999.0, time.monotonic)
    assert check.calls == 5


def test_a_check_is_found_by_its_name():
    assert load_check("os.path:isdir").name == "os.path:isdir"
    with pytest.raises(ModuleNotFoundError):
        load_check("nowhere_at_all:check").run()
    with pytest.raises(AttributeError):
        load_check("os:nothing.there").run()
