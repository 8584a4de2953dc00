"""Where tasks and threads are."""

import asyncio
import json
import sys

import pytest
from support.coroutines import start, turns

from hookserve.reactor.coroutines import CoroutineStarter
from hookserve.reactor.stacks import describe_task, format_task, locate


async def inner():
    await asyncio.sleep(10)


async def outer():
    await inner()


class Delegating:
    def __await__(self):
        yield from outer().__await__()


async def through_an_object():
    await Delegating()


@pytest.mark.parametrize("function", [outer, through_an_object])
@pytest.mark.parametrize("count", [0, 4])
def test_a_task_shows_each_frame_down_to_what_it_waits_for(loop, starter, function, count):
    task = start(loop, starter, function())
    turns(loop, count)

    found = format_task(task)

    assert f"({function.__qualname__}):" in found
    assert "test_stacks.py" in found
    names = [line.rpartition(" in ")[2] for line in found.splitlines()[1:]]
    assert names[0] == function.__name__
    assert {"inner", "outer"} <= set(names) or function is through_an_object
    task.cancel()
    turns(loop)


def test_a_task_that_has_ended_has_no_frames(loop, starter):
    task = start(loop, starter, asyncio.sleep(0))
    turns(loop)

    assert format_task(task).count("\n") == 1


def test_a_callback_has_no_task():
    assert describe_task(None) == "a callback"


def test_a_task_in_its_first_step_is_named(loop):
    starter = CoroutineStarter(loop)
    seen = []

    async def look():
        seen.append(describe_task(asyncio.current_task()))

    start(loop, starter, look())

    assert "look" in seen[0]
    starter.close()
    turns(loop)


def test_the_place_is_the_innermost_of_no_library():
    found = []

    class Odd:
        def __repr__(self):
            return ""

    def default(value):
        found.append(locate(sys._getframe(1)))
        return ""

    json.dumps(Odd(), default=default)

    assert "test_stacks.py:" in found[0]
    assert locate(None) == "an unknown place"
