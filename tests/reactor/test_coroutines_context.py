"""What one coroutine leaves to another: no variable of its context, and no garbage."""

import asyncio
import gc
from contextvars import ContextVar

import pytest
from support.coroutines import BEFORE, nothing, run, start, turns

OWN = ContextVar("own")
"""Set by coroutines alone."""


def test_a_variable_of_one_is_not_seen_by_another(loop, starter):
    seen = []

    async def set_variable(suspends):
        seen.append(OWN.get(None))
        OWN.set("of another")
        if suspends:
            await asyncio.sleep(0)

    for suspends in (False, True, False, False, True, True):
        start(loop, starter, set_variable(suspends))
        turns(loop)

    assert seen == [None] * 6


def test_a_value_that_is_equal_is_another_value(loop, starter):
    class Odd(list):
        def __eq__(self, other):
            raise ValueError("cannot be compared")

        __hash__ = None

    seen = []

    async def set_variable(value):
        seen.append(BEFORE.get())
        BEFORE.set(value)

    for value in ([], Odd(), []):
        assert start(loop, starter, set_variable(value)) is None

    assert seen[0] is seen[1] is seen[2]


def test_a_variable_that_is_reset_does_not_cost_the_task(loop, starter):
    seen = []

    async def quick():
        token = OWN.set("for a moment")
        seen.append(id(asyncio.current_task()))
        OWN.reset(token)

    for _ in range(2):
        start(loop, starter, quick())

    assert seen[0] == seen[1]


def test_a_variable_is_the_same_in_all_steps(loop, starter):
    async def look():
        found = [BEFORE.get()]
        OWN.set("mine")
        for _ in range(2):
            await asyncio.sleep(0)
            found += [BEFORE.get(), OWN.get()]
        return found

    found = run(loop, starter, look())

    assert found[1::2] == [[], []]
    assert found[2::2] == ["mine", "mine"]


def test_one_that_is_started_within_another_has_a_context_of_its_own(loop, starter):
    async def inner():
        return OWN.get(None)

    async def outer():
        OWN.set("of the outer")
        return await starter.start(inner())

    assert run(loop, starter, outer()) is None


# Garbage.


async def wait_a_turn():
    await asyncio.sleep(0)


async def wait_for_time():
    await asyncio.sleep(0.001)


async def wait_and_fail():
    await asyncio.sleep(0)
    raise ValueError("on purpose")


async def fail_at_once():
    raise ValueError("on purpose")


async def leave_a_variable():
    OWN.set("mine")


async def wait_in_a_timeout():
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    except TimeoutError:
        pass


@pytest.mark.parametrize(
    "function",
    [
        nothing,
        wait_a_turn,
        wait_for_time,
        wait_and_fail,
        fail_at_once,
        leave_a_variable,
    ],
)
def test_no_cycle_is_left_to_the_garbage_collector(loop, starter, function):
    def once():
        task = None
        try:
            task = starter.start(function())
        except ValueError:
            pass
        if task is not None:
            task.add_done_callback(asyncio.Task.exception)

    loop.call_soon(once)
    turns(loop)
    loop.run_until_complete(asyncio.sleep(0.01))
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            loop.call_soon(once)
            turns(loop)
        until = loop.time() + 0.05
        while starter.tasks and loop.time() < until:
            turns(loop)
        assert not starter.tasks
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_starter_that_is_closed_leaves_no_task(loop, starter):
    start(loop, starter, nothing())

    starter.close()
    turns(loop)

    assert not asyncio.all_tasks(loop)
