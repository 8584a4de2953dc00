"""What workers write to the arbiter costs it a bounded time."""

import logging

import pytest

from hookserve.arbiter.messages import AT_ONCE, PER_SECOND
from hookserve.worker.channel import open_channel
from tests.support.fake_arbiter import serving

PIECES = {
    "long lines": b"x" * 60_000,
    "messages": b"recycle\t0\t\n" * 5000,
    "single bytes": b"x",
    "line ends": b"\n" * 60_000,
}


@pytest.fixture
def server():
    """A server whose first two workers, `writers`, write what a test says to `ends`."""
    with serving(workers=2, timeout=0) as server:
        server.writers, server.ends = server.arbiter.workers, []
        for handle in server.writers:
            server.arbiter.messages.drain(handle)
            handle.channel.close()
            handle.channel, end = open_channel()
            end._socket.setblocking(False)
            server.arbiter.messages.watch(handle)
            server.ends.append(end)
        yield server
        for end in server.ends:
            end.close()


def flood(server, piece, turns=1000):
    """Write before each turn of the loop, until the worker is not read; returns the turns."""
    for turn in range(turns):
        try:
            server.ends[0]._socket.send(piece)
        except BlockingIOError:
            pass
        readable = server.arbiter._watcher.wait(0)
        if not readable:
            return turn
        server.arbiter._watcher.call(readable)
    return turns


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_a_worker_that_writes_without_end_is_read_at_a_bounded_rate(server, piece):
    received = server.writers[0].channel

    assert flood(server, piece) <= 65
    assert received.received <= 2 * AT_ONCE
    before, turns = received.received, 0
    for _ in range(100):
        server.turn(seconds=0.1)
        turns += flood(server, piece)

    assert turns <= 10 * 32
    assert received.received - before <= 11 * PER_SECOND


def test_the_worker_is_named_once(server, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            flood(server, b"x" * 60_000)
            server.turn(seconds=10.0)

    (record,) = caplog.records
    assert record.getMessage() == (
        f"{server.writers[0]} sends the arbiter more than its messages can be: 64 KiB of it are"
        " read each second from now on"
    )


def test_the_loop_wakes_when_a_pause_is_over(server):
    messages = server.arbiter.messages
    assert messages.due(server.clock.now) is None
    flood(server, b"x" * 60_000)

    pause = messages.due(server.clock.now) - server.clock.now

    assert 1.0 <= pause <= 4.0
    server.turn(seconds=pause)
    assert messages.due(server.clock.now) is None


def test_another_worker_is_read_meanwhile(server):
    flood(server, b"x" * 60_000)
    server.ends[1].send("recycle", "enough")
    server.arbiter._watcher.call(server.arbiter._watcher.wait(0))

    assert server.writers[1].recycle_reason == "enough"


def test_the_last_message_of_a_worker_that_is_not_read_is_read_at_its_end(server):
    handle = server.writers[0]
    flood(server, b"\n" * 60_000)
    while handle.channel._socket.recv(1 << 20):
        try:
            server.ends[0]._socket.send(b"boot failed\t3\tthe reason\n")
            break
        except BlockingIOError:
            pass

    server.arbiter.messages.drain(handle)

    assert (handle.boot_error, handle.boot_error_code) == ("the reason", 3)
    assert server.arbiter.messages.due(server.clock.now) is None


def test_an_ordinary_traceback_arrives_at_once(server):
    handle = server.writers[0]
    server.ends[0]._socket.setblocking(True)
    text = "Traceback\n" + "  File\n" * 5000
    server.ends[0].send("boot failed", text, 3)
    server.arbiter._watcher.call(server.arbiter._watcher.wait(0))

    assert handle.boot_error.startswith("Traceback\n")
    assert server.arbiter.messages.due(server.clock.now) is None
