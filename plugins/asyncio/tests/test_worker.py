"""The asyncio worker, without a server."""

import asyncio
import logging

import pytest
from hookserve_asyncio.worker import AsyncioWorker
from support.reactors import close_worker
from support.workers import make_context


@pytest.fixture
def make_worker():
    """Makes a worker in this process, that listens to nothing."""
    made = []

    def make(interface="asgi", **settings):
        context, end = make_context(logging.getLogger("hookserve.test"), **settings)
        worker = AsyncioWorker(context)
        worker.interface = interface
        made.append((worker, end))
        return worker

    yield make
    for worker, end in made:
        close_worker(worker, end)
        worker._starter.close()
        worker.loop.run_until_complete(asyncio.sleep(0))
        worker.loop.close()
        asyncio.set_event_loop(None)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["asyncio", "uvloop"])
def test_a_task_that_wants_the_process_to_end_ends_alone(make_worker, caplog, error, name):
    if name == "uvloop":
        pytest.importorskip("uvloop")
    worker = make_worker(loop=name)

    async def leave():
        await asyncio.sleep(0)
        raise error("on purpose")

    task = worker.loop.create_task(leave())
    for _ in range(3):
        worker.step(0.01)

    assert type(task.exception()) is error
    assert "on purpose" in caplog.text


def test_each_connection_may_have_a_request(make_worker):
    worker = make_worker(worker_connections=7)

    assert AsyncioWorker.capacity(worker.config) == 7


def test_its_tasks_are_shown(make_worker):
    worker = make_worker()

    async def handle():
        await asyncio.sleep(10)

    found = []
    worker.loop.call_soon(lambda: found.append(worker.start_coroutine(handle())))
    worker.step(0.01)

    assert "handle):\n" in worker.format_tasks()
    assert "in sleep" in worker.format_tasks()
    found[0].cancel()
    worker.step(0.01)
    assert worker.format_tasks() == ""


def test_a_worker_whose_threads_are_all_busy_gives_no_sign_of_life(make_worker):
    worker = make_worker("wsgi", threads=1)
    worker.prepare(worker.context.app)
    beats = []
    worker.notify = lambda: beats.append(1) or worker.clock()

    worker.step(0.0)
    assert beats == [1]
    worker._pool._busy = 1
    worker.step(0.0)

    assert beats == [1]


def test_what_is_not_monitored_has_no_thread(make_worker):
    assert make_worker(loop_lag_warning=0).lag is None
