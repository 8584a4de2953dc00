"""Coroutines that are begun at once behave as tasks do, on each event loop."""

import asyncio
import weakref

import pytest
from support.coroutines import finish, nothing, run, start, turns


def test_a_coroutine_that_ends_at_once_has_no_task(loop, starter):
    seen = []

    async def quick():
        seen.append(asyncio.current_task())

    assert [start(loop, starter, quick()) for _ in range(3)] == [None] * 3
    assert seen[0] is not None


def test_the_task_of_one_that_has_ended_is_used_again(loop, starter):
    seen = []

    async def quick():
        seen.append(id(asyncio.current_task()))

    for _ in range(3):
        start(loop, starter, quick())

    assert len(set(seen)) == 1
    assert not starter.tasks


def test_one_that_waits_for_a_future(loop, starter):
    future = loop.create_future()

    async def wait():
        return await future

    task = start(loop, starter, wait())
    turns(loop)
    assert not task.done()
    assert list(starter.tasks) == [task]

    future.set_result("done")

    assert finish(loop, task) == "done"
    turns(loop)
    assert not starter.tasks


def test_a_future_that_is_done_before_the_first_step_of_the_task(loop, starter):
    future = loop.create_future()
    loop.call_soon(lambda: loop.call_soon(future.set_result, "done"))

    async def wait():
        return await future

    assert run(loop, starter, wait()) == "done"


def test_a_future_that_is_done_already_does_not_suspend(loop, starter):
    future = loop.create_future()
    future.set_result("done")
    seen = []

    async def wait():
        seen.append(await future)

    assert start(loop, starter, wait()) is None
    assert seen == ["done"]


def test_sleep_of_no_length_lets_others_come_first(loop, starter):
    seen = []

    async def wait():
        loop.call_soon(seen.append, "other")
        await asyncio.sleep(0)
        seen.append("first")
        await asyncio.sleep(0)
        return "end"

    assert run(loop, starter, wait()) == "end"
    assert seen == ["other", "first"]


def test_what_is_not_a_future_cannot_be_awaited(loop, starter):
    class Wrong:
        def __await__(self):
            yield 1

    async def wait():
        await Wrong()

    with pytest.raises(RuntimeError, match="bad yield"):
        run(loop, starter, wait())


def test_many_suspended_at_once(loop, starter):
    futures = [loop.create_future() for _ in range(20)]

    async def wait(future):
        return await future

    tasks = [start(loop, starter, wait(each)) for each in futures]
    for number, each in reversed(list(enumerate(futures))):
        each.set_result(number)

    assert [finish(loop, each) for each in tasks] == list(range(20))


# The task.


@pytest.mark.parametrize("turn_first", [False, True])
def test_the_current_task_is_the_same_from_the_first_step_on(loop, starter, turn_first):
    seen = []

    async def look():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())
        await asyncio.sleep(0.001)
        seen.append(asyncio.current_task())

    if turn_first:  # the task has made its first step
        start(loop, starter, nothing())
        turns(loop)
    task = start(loop, starter, look())
    while not task.done():
        turns(loop, 1)

    assert seen == [task] * 3
    assert asyncio.current_task(loop) is None


def test_no_task_is_current_after_a_first_step(loop, starter):
    start(loop, starter, nothing())

    assert asyncio.current_task(loop) is None


def test_the_task_shows_its_coroutine(loop, starter):
    async def look():
        await asyncio.sleep(0)

    task = start(loop, starter, look())

    assert "look()" in repr(task)
    assert [each.f_code.co_name for each in task.get_stack()] == ["look"]
    finish(loop, task)


@pytest.mark.parametrize(
    "mark",
    [
        lambda task: task.set_name("of a request"),
        lambda task: task.add_done_callback(lambda _: None),
        lambda task: task.cancel(),
        lambda task: KEPT.append(task),
        lambda task: KEPT.append(weakref.ref(task, lambda _: None)),
    ],
    ids=["name", "callback", "cancelled", "reference", "weak reference"],
)
def test_a_task_that_has_traces_is_not_used_again(loop, starter, mark):
    seen = []

    async def leave():
        task = asyncio.current_task()
        seen.append(task.get_name())
        mark(task)

    async def look():
        seen.append(asyncio.current_task().get_name())

    assert start(loop, starter, leave()) is None
    start(loop, starter, look())
    turns(loop)

    assert seen[0] != seen[1]
    assert seen[1] != "of a request"
    KEPT.clear()


KEPT = []


def test_callbacks_of_a_task_that_has_ended_at_once_are_called(loop, starter):
    seen = []

    async def leave():
        asyncio.current_task().add_done_callback(seen.append)

    start(loop, starter, leave())
    turns(loop)

    assert [each.done() for each in seen] == [True]


def test_a_coroutine_is_started_from_within_a_running_task(loop, starter):
    seen = []

    async def inner():
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        return "inner"

    async def outer():
        task = starter.start(inner())
        seen.append(asyncio.current_task())
        return await task

    task = start(loop, starter, outer())

    assert finish(loop, task) == "inner"
    assert seen[0] is task
    assert seen[1] is not task


def test_a_task_factory_of_the_application_is_of_no_consequence(loop, starter):
    if not hasattr(asyncio, "eager_task_factory"):
        pytest.skip("from CPython 3.12 on")
    loop.set_task_factory(asyncio.eager_task_factory)

    async def inner():
        return "inner"

    async def outer():
        found = await starter.start(inner())
        await asyncio.sleep(0)
        return found

    assert start(loop, starter, nothing()) is None
    assert run(loop, starter, outer()) == "inner"


# Exceptions.


@pytest.mark.parametrize("error", [ValueError, SystemExit, asyncio.CancelledError])
def test_an_exception_of_the_first_step_is_raised(loop, starter, error):
    async def fail():
        raise error("on purpose")

    assert type(start(loop, starter, fail())) is error
    assert start(loop, starter, nothing()) is None


@pytest.mark.parametrize("again", [0, 1])
def test_an_exception_of_a_later_step_is_the_tasks(loop, starter, again):
    async def fail():
        for _ in range(again + 1):
            await asyncio.sleep(0)
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        run(loop, starter, fail())


def test_an_exception_of_what_is_waited_for(loop, starter):
    future = loop.create_future()

    async def wait():
        try:
            await future
        except ValueError as error:
            return str(error)

    task = start(loop, starter, wait())
    future.set_exception(ValueError("of the future"))

    assert finish(loop, task) == "of the future"
