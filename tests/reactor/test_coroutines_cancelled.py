"""Coroutines that are cancelled, from outside and by timeouts and groups of their own."""

import asyncio

import anyio
import pytest
from support.coroutines import finish, nothing, run, start, turns


@pytest.mark.parametrize("seconds", [-1, 0, 0.001])
def test_a_timeout_that_begins_in_the_first_step(loop, starter, seconds):
    async def wait():
        try:
            async with asyncio.timeout(seconds):
                await asyncio.sleep(10)
        except TimeoutError:
            await asyncio.sleep(0)
            return asyncio.current_task().cancelling()

    task = start(loop, starter, wait())

    assert loop.run_until_complete(task) == 0


def test_a_timeout_that_is_not_reached(loop, starter):
    async def wait():
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        return "in time"

    assert run(loop, starter, wait()) == "in time"


def test_a_group_of_tasks_that_begins_in_the_first_step(loop, starter):
    async def double(value):
        await asyncio.sleep(0)
        return 2 * value

    async def gather():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(double(each)) for each in range(3)]
        return [each.result() for each in tasks]

    assert run(loop, starter, gather()) == [0, 2, 4]


def test_a_group_of_which_one_fails_cancels_the_others_and_the_body(loop, starter):
    seen = []

    async def fail():
        raise ValueError("on purpose")

    async def wait():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def gather():
        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            group.create_task(fail())
            await asyncio.sleep(10)

    with pytest.raises(ExceptionGroup):
        run(loop, starter, gather())
    assert seen == ["cancelled"]


@pytest.mark.parametrize("cancel_first", [False, True])
def test_a_cancel_scope_of_anyio_that_begins_in_the_first_step(loop, starter, cancel_first):
    async def wait():
        with anyio.CancelScope() as scope:
            if cancel_first:
                scope.cancel()
            else:
                loop.call_soon(scope.cancel)
            await asyncio.sleep(10)
        assert scope.cancelled_caught
        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep(10)
        return scope.cancelled_caught

    assert loop.run_until_complete(start(loop, starter, wait())) is True


def test_a_group_of_anyio_that_begins_in_the_first_step(loop, starter):
    seen = []

    async def add(value):
        await anyio.sleep(0)
        seen.append(value)

    async def gather():
        async with anyio.create_task_group() as group:
            group.start_soon(add, 1)
            group.start_soon(add, 2)

    loop.run_until_complete(start(loop, starter, gather()))

    assert sorted(seen) == [1, 2]


# From outside.


@pytest.mark.parametrize("turn_first", [False, True])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_it_is_cancelled_however_far_its_task_has_come(loop, starter, before, turn_first):
    seen = []

    async def wait():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            seen.append(error.args)
            raise

    if turn_first:
        start(loop, starter, nothing())
        turns(loop)
    task = start(loop, starter, wait())
    turns(loop, before)
    task.cancel("because")

    with pytest.raises(asyncio.CancelledError):
        finish(loop, task)
    assert seen == [("because",)]


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_one_that_is_cancelled_may_go_on(loop, starter, before):
    async def wait():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
        await asyncio.sleep(0.001)
        return "on"

    task = start(loop, starter, wait())
    turns(loop, before)
    task.cancel()

    assert loop.run_until_complete(task) == "on"


@pytest.mark.parametrize("before", [0, 1, 2])
def test_what_it_waits_for_is_cancelled_with_it(loop, starter, before):
    inner = []

    async def wait():
        inner.append(asyncio.ensure_future(asyncio.sleep(10)))
        await inner[0]

    task = start(loop, starter, wait())
    turns(loop, before)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        finish(loop, task)
    assert inner[0].cancelled()


@pytest.mark.parametrize("before", [0, 1, 2])
def test_what_is_shielded_is_not_cancelled_with_it(loop, starter, before):
    inner = loop.create_future()

    async def wait():
        await asyncio.shield(inner)

    task = start(loop, starter, wait())
    turns(loop, before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        finish(loop, task)

    assert not inner.done()


def test_a_future_that_was_waited_for_by_a_cancelled_one_can_be_awaited_again(loop, starter):
    future = loop.create_future()

    async def wait():
        try:
            await future
        except asyncio.CancelledError:
            return await future

    task = start(loop, starter, wait())
    future.set_result("done")
    task.cancel()

    assert finish(loop, task) == "done"


def test_it_cancels_itself_in_the_first_step(loop, starter):
    seen = []

    async def wait():
        asyncio.current_task().cancel()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    for _ in range(2):
        start(loop, starter, nothing())
        task = start(loop, starter, wait())
        with pytest.raises(asyncio.CancelledError):
            finish(loop, task)

    assert seen == ["cancelled"] * 2


def test_one_that_was_cancelled_within_its_first_step_and_ends_harms_no_other(loop, starter):
    async def cancel():
        asyncio.current_task().cancel()

    async def wait():
        await asyncio.sleep(0.001)
        return "on"

    assert start(loop, starter, cancel()) is None

    assert loop.run_until_complete(start(loop, starter, wait())) == "on"
