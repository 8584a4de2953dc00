"""The application's own checks."""

import threading
import time
from math import inf

import pytest
from hookserve_health.checks import Check, Checker, load_check
from hookserve_health.shared_state import SharedState


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
            self.changed.wait_for(lambda: not self.checker._is_running, 10)


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


def test_a_check_that_takes_too_long_has_failed_at_that_moment():
    entered, leave = threading.Event(), threading.Event()
    rounds = Rounds(Check("a:b", lambda: (entered.set(), leave.wait(30))), limit=2.0)
    checker = rounds.checker
    checker.step(rounds.now, lambda: rounds.now)
    entered.wait(10)
    assert checker.due() == rounds.now + 2.0
    assert not rounds.state.is_checked

    checker.step(rounds.now + 2.0, time.monotonic)
    assert rounds.state.failed == 0
    assert checker.due() == inf
    checker.step(rounds.now + 60.0, time.monotonic)  # no second one beside it

    with rounds.changed:
        leave.set()
        rounds.changed.wait_for(lambda: not checker._is_running, 10)
    assert rounds.state.failed == 0
    rounds.run()
    assert rounds.state.failed is None


def test_a_check_is_found_by_its_name():
    assert load_check("os.path:isdir").name == "os.path:isdir"
    with pytest.raises(ModuleNotFoundError):
        load_check("nowhere_at_all:check").run()
    with pytest.raises(AttributeError):
        load_check("os:nothing.there").run()
