"""What processes share."""

import os
from math import inf

import pytest
from hookserve_health.shared_state import SharedState, state_of_server


@pytest.mark.process
def test_another_process_sees_the_result_of_the_checks():
    state = SharedState()
    assert not state.is_checked
    assert state.failed is None
    pid = os.fork()
    if pid == 0:
        state.record(2, 10.0)
        state.successor_serves = True
        os._exit(0)
    os.waitpid(pid, 0)

    assert state.is_checked
    assert state.failed == 2
    assert state.successor_serves
    state.record(None, 10.0)
    assert state.failed is None


def test_a_result_is_late_after_its_time():
    state = SharedState()
    state.record(None, 10.0)

    assert not state.is_late(10.0)
    assert state.is_late(10.5)


def test_a_result_of_a_process_that_was_replaced_holds_until_the_next_one_has_begun():
    state = SharedState()
    state.record(None, 10.0)
    state.end()
    assert not state.is_late(1e9)

    state.begin(20.0)

    assert not state.is_late(20.0)
    assert state.is_late(20.5)


def in_child(act):
    """Have a process that is gone when this returns do something."""
    pid = os.fork()
    if pid == 0:
        act()
        os._exit(0)
    os.waitpid(pid, 0)


@pytest.mark.process
def test_a_check_that_runs_when_its_process_ends_has_failed():
    state = SharedState()
    state.record(None, 10.0)

    def crash():
        state.begin(10.0)
        state.running = 1

    in_child(crash)
    assert state.is_process_gone
    assert state.failed is None
    state.begin(20.0)

    assert state.failed == 1
    assert state.has_crashed
    assert state.running is None
    assert not state.is_process_gone


@pytest.mark.process
def test_a_result_without_an_end_counts_while_its_process_is_there():
    """Of checks without a time limit."""
    state = SharedState()
    in_child(lambda: (state.begin(inf), state.record(None, inf)))

    assert state.is_late(0.0)
    state.begin(inf)
    assert not state.is_late(0.0)


def test_a_reload_has_the_same_state():
    assert state_of_server() is state_of_server()


@pytest.mark.parametrize("result", [None, 0, 2])
def test_the_next_arbiter_goes_on_with_the_result(result):
    state = SharedState()
    assert not SharedState(state.encode()).is_checked

    state.record(result, 10.0)
    following = SharedState(state.encode())

    assert following.is_checked
    assert following.failed == result
    assert not following.is_late(1e9)  # its checks have not begun


@pytest.mark.parametrize("result", [None, 2])
def test_the_next_arbiter_has_started_as_this_one_has(result):
    state = SharedState()
    state.record_start()
    assert SharedState(state.encode()).has_started
    assert not SharedState(state.encode()).is_checked

    state.record(result, 10.0)
    following = SharedState(state.encode())

    assert following.has_started
    assert (following.is_checked, following.failed) == (True, result)


@pytest.mark.parametrize("text", ["", "-1", "nonsense", "1e3"])
def test_what_no_arbiter_has_written_says_nothing(text):
    assert not SharedState(text).is_checked
    assert not SharedState(text).has_started
