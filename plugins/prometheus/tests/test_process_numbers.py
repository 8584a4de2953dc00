"""A number is of one process at a time."""

import os

import pytest
from hookserve_prometheus.process_numbers import ProcessNumbers, clear_ended

from hookserve.testing import wait_until


def in_child(function):
    """What a function returns in a process that is forked, which then waits for the end."""
    (out, result), (go_on, end) = os.pipe(), os.pipe()
    if (pid := os.fork()) == 0:
        os.close(end)
        os.write(result, str(function()).encode())
        os.read(go_on, 1)
        os._exit(0)
    os.close(go_on)
    os.close(result)
    text = os.read(out, 100).decode()
    os.close(out)

    def finish():
        os.write(end, b"x")
        os.close(end)
        os.waitpid(pid, 0)

    return text, finish


@pytest.mark.process
def test_the_number_of_a_process_that_has_ended_is_given_again(tmp_path):
    numbers = ProcessNumbers(str(tmp_path), "arbiter")
    assert numbers() == "arbiter0"
    first, end_first = in_child(numbers)
    second, end_second = in_child(numbers)
    assert (first, second) == ("0", "1")
    end_first()

    third, end_third = in_child(numbers)

    assert third == "0"
    end_second()
    end_third()
    assert numbers() == "arbiter0"


@pytest.mark.process
def test_live_gauges_of_processes_that_have_ended_are_removed(tmp_path):
    numbers = ProcessNumbers(str(tmp_path), "arbiter")
    alive, end_alive = in_child(numbers)
    ended, end = in_child(numbers)
    end()
    for name in (alive, ended):
        for kind in ("gauge_livesum", "gauge_max", "counter"):
            (tmp_path / f"{kind}_{name}.db").touch()

    clear_ended(str(tmp_path))

    assert {each.name for each in tmp_path.glob("*.db")} == {
        *(f"{kind}_0.db" for kind in ("gauge_livesum", "gauge_max", "counter")),
        *(f"{kind}_1.db" for kind in ("gauge_max", "counter")),
    }
    end_alive()
    wait_until(lambda: clear_ended(str(tmp_path)) or not list(tmp_path.glob("gauge_live*")))
