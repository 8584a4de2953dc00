"""What processes share."""

import os

import pytest
from hookserve_health.shared_state import SharedState, state_of_server


@pytest.mark.process
def test_another_process_sees_the_result_of_the_checks():
    state = SharedState()
    assert not state.is_checked
    assert state.failed is None
    pid = os.fork()
    if pid == 0:
        state.record(2)
        state.successor_serves = True
        os._exit(0)
    os.waitpid(pid, 0)

    assert state.is_checked
    assert state.failed == 2
    assert state.successor_serves
    state.record(None)
    assert state.failed is None


def test_a_reload_has_the_same_state():
    assert state_of_server() is state_of_server()


@pytest.mark.parametrize("result", [None, 0, 2])
def test_the_next_arbiter_goes_on_with_the_result(result):
    state = SharedState()
    assert not SharedState(state.encode()).is_checked

    state.record(result)
    following = SharedState(state.encode())

    assert following.is_checked
    assert following.failed == result


@pytest.mark.parametrize("text", ["", "-1", "nonsense", "1e3"])
def test_what_no_arbiter_has_written_says_nothing(text):
    assert not SharedState(text).is_checked
