"""What blocks the loop is named, and an idle loop is left alone."""

import asyncio
import logging
import threading

import pytest

from hookserve.reactor.lag import LagMonitor
from hookserve.testing import wait_until

LIMIT = 0.1


@pytest.fixture
def watch(caplog):
    """A loop with its monitor, and what makes it busy."""
    loop = asyncio.new_event_loop()
    busy = threading.Event()
    log = logging.getLogger("hookserve.asyncio.test")
    monitor = LagMonitor(loop, LIMIT, busy.is_set, log, "--loop-lag-warning")
    monitor.start(memoryview(bytearray(8)).cast("d"))
    yield loop, monitor, busy, caplog
    busy.clear()
    loop.run_until_complete(asyncio.sleep(LIMIT))
    loop.close()
    monitor.wake()


def compute(seconds):
    """Use the processor for so long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        pass


async def handle(seconds):
    await asyncio.sleep(LIMIT)
    compute(seconds)
    await asyncio.sleep(LIMIT)


def run(loop, monitor, busy, coroutine):
    busy.set()
    monitor.wake()
    loop.run_until_complete(coroutine)


def test_a_task_that_blocks_is_named_with_its_place(watch):
    loop, monitor, busy, caplog = watch

    run(loop, monitor, busy, handle(5 * LIMIT))

    (record,) = caplog.records
    assert "(handle)" in record.message
    assert "test_lag.py:" in record.message
    assert "in compute" in record.message


def test_each_time_is_one_line(watch):
    loop, monitor, busy, caplog = watch

    for _ in range(2):
        run(loop, monitor, busy, handle(4 * LIMIT))

    assert len(caplog.records) == 2


def test_a_loop_that_waits_is_not_blocked(watch):
    loop, monitor, busy, caplog = watch

    run(loop, monitor, busy, asyncio.sleep(5 * LIMIT))

    assert not caplog.records


def test_an_idle_loop_is_not_woken(watch):
    loop, monitor, busy, _ = watch
    run(loop, monitor, busy, asyncio.sleep(LIMIT))
    busy.clear()
    loop.run_until_complete(asyncio.sleep(LIMIT))
    seen = monitor._seen

    loop.run_until_complete(asyncio.sleep(3 * LIMIT))

    assert monitor._seen == seen


def test_it_watches_again_after_it_was_idle(watch):
    loop, monitor, busy, caplog = watch
    run(loop, monitor, busy, asyncio.sleep(LIMIT))
    busy.clear()
    loop.run_until_complete(asyncio.sleep(2 * LIMIT))
    wait_until(lambda: not monitor._wakeup.is_set())

    run(loop, monitor, busy, handle(4 * LIMIT))

    assert len(caplog.records) == 1


def test_a_call_that_holds_the_interpreter_is_reported(watch):
    loop, monitor, busy, caplog = watch

    async def hold():
        await asyncio.sleep(LIMIT)
        for exponent in range(5, 9):  # until it has taken long enough
            began = loop.time()
            pow(3, 10**exponent)
            if loop.time() - began > 3 * LIMIT:
                break
        await asyncio.sleep(LIMIT)

    run(loop, monitor, busy, hold())

    assert "the event loop has been blocked" in caplog.text


def test_how_late_the_loop_is_can_be_read_while_it_is_blocked(watch):
    loop, monitor, busy, _ = watch
    seen = []

    async def block():
        await asyncio.sleep(LIMIT)
        seen.append(monitor._cell[0])
        compute(5 * LIMIT)
        seen.append(monitor._cell[0])
        await asyncio.sleep(2 * LIMIT)
        seen.append(monitor._cell[0])

    run(loop, monitor, busy, block())
    busy.clear()
    loop.run_until_complete(asyncio.sleep(2 * LIMIT))
    wait_until(lambda: not monitor._wakeup.is_set())

    before, blocked, after = seen
    assert before < LIMIT
    assert blocked > 3 * LIMIT
    assert after < LIMIT
    wait_until(lambda: monitor._cell[0] == 0)
