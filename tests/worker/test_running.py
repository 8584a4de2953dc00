"""Which request has which stack."""

import logging
import sys
import threading
import time

import pytest
from support.workers import IdleWorker, make_context

from hookserve.worker.running import RunningRequests, split_stacks


class StacklessWorker(IdleWorker):
    """Knows one request's stack by itself."""

    known = {}

    def stack_of(self, request_slot):
        """As the base class."""
        return self.known.get(request_slot)


@pytest.fixture
def worker():
    context, ours = make_context(logging.getLogger("test"), slow_request=10)
    worker = StacklessWorker(context)
    worker.known = {}
    yield worker
    ours.close()
    context.channel.close()


def begin_of_protocol(worker, entered, leave):
    """As a protocol begins a request and calls the application."""
    request_slot = worker.begin(b"GET /waits")
    request_slot.began -= 60

    def application():
        entered.set()
        leave.wait()

    application()
    worker.end(request_slot, 2, 0)


def stacks(running, interrupted=None):
    return split_stacks(running.format_slow(interrupted))[1]


def test_the_stack_of_a_request_in_a_thread_begins_with_the_application(worker):
    running = RunningRequests(worker)
    entered, leave = threading.Event(), threading.Event()
    thread = threading.Thread(target=begin_of_protocol, args=(worker, entered, leave))
    thread.start()
    entered.wait()
    found = stacks(running)
    leave.set()
    thread.join()

    (stack,) = found.values()
    assert stack.startswith("File ")
    assert "in application" in stack.splitlines()[0]
    assert "begin_of_protocol" not in stack
    assert stacks(running) == {}


def test_a_request_in_the_main_thread_is_where_the_handler_has_interrupted_it(worker):
    running = RunningRequests(worker)

    def protocol():
        request_slot = worker.begin(b"GET /")
        request_slot.began -= 60

        def application():
            return stacks(running, sys._getframe())

        return application()

    (stack,) = protocol().values()

    assert "in application" in stack
    assert "format_slow" not in stack


def test_what_the_model_knows_of_a_request_wins(worker):
    running = RunningRequests(worker)
    request_slot = worker.begin(b"GET /")
    request_slot.began -= 60
    worker.known[request_slot] = "Task-1 waits"

    assert stacks(running) == {request_slot.number: "Task-1 waits\n"}


def test_a_request_that_is_not_slow_is_left_out(worker):
    running = RunningRequests(worker)
    request_slot = worker.begin(b"GET /")

    assert request_slot.began <= time.monotonic()
    assert stacks(running) == {}


def test_stacks_are_told_apart():
    threads, requests = split_stacks("Thread 1\n\x1e0\nFile a\n\x1e12\nFile b\n\x1ebad\nFile c\n")

    assert threads == "Thread 1\n"
    assert requests == {0: "File a\n", 12: "File b\n"}


def test_the_arbiter_is_told_once_of_the_request_that_it_awaits():
    context, ours = make_context(logging.getLogger("test"), slow_request=10)
    worker = IdleWorker(context)
    RunningRequests(worker)
    worker.end(worker.begin(b"GET /not-awaited"), 2, 0)
    context.slot.awaited = 1
    for _ in range(2):
        worker.end(worker.begin(b"GET /awaited"), 2, 0)

    messages, _ = ours.read()
    assert [each.kind for each in messages] == ["begun"]
    assert not context.slot.awaited
    ours.close()
    context.channel.close()
