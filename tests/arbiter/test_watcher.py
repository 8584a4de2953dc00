"""Descriptors that the arbiter waits for."""

import os
from types import SimpleNamespace

import pytest

from hookserve.arbiter.watcher import Watcher


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


def test_a_readable_descriptor_is_called_back(pipe):
    watcher, calls = Watcher(), []
    watcher.watch(pipe[0], lambda: calls.append("readable"))

    watcher.call(watcher.wait(0.0))
    os.write(pipe[1], b"x")
    watcher.call(watcher.wait(10.0))

    assert calls == ["readable"]


def test_the_end_of_the_writer_is_called_back(pipe):
    watcher = Watcher()
    watcher.watch(pipe[0], lambda: None)

    os.close(pipe[1])

    assert watcher.wait(10.0) == [pipe[0]]


def test_a_descriptor_that_another_callback_unwatched_is_not_called(pipe):
    other = os.dup(pipe[0])
    watcher, calls = Watcher(), []

    def first():
        calls.append("first")
        watcher.unwatch(other)

    watcher.watch(pipe[0], first)
    watcher.watch(other, lambda: calls.append("other"))
    os.write(pipe[1], b"x")

    watcher.call([pipe[0], other])

    assert calls == ["first"]
    assert other not in watcher
    os.close(other)


def test_a_descriptor_may_be_unwatched_twice(pipe):
    watcher = Watcher()
    watcher.watch(pipe[0], lambda: None)

    for _ in range(2):
        watcher.unwatch(pipe[0])

    assert pipe[0] not in watcher


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(None, None), (-1.0, 0.0), (1.5, 1500.0), (30 * 86400.0, 2e9)]
)
def test_a_wait_is_no_longer_than_poll_takes(seconds, milliseconds):
    watcher, waits = Watcher(), []
    watcher._poller = SimpleNamespace(poll=lambda wait: waits.append(wait) or [])

    watcher.wait(seconds)

    assert waits == [milliseconds]
