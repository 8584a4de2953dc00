"""The line between the arbiter and a worker."""

import os
import signal
import threading

import pytest

from hookserve.worker.channel import open_channel


def test_notices_arrive_whole_and_in_order():
    ours, theirs = open_channel()
    theirs.send("ready")
    theirs.send("boot failed", "a traceback\nof two lines", 3)

    messages, is_open = ours.read()

    assert [(each.kind, each.text, each.code) for each in messages] == [
        ("ready", "", 0),
        ("boot failed", "a traceback\nof two lines", 3),
    ]
    assert is_open
    ours.close()
    theirs.close()


def test_a_long_notice_arrives():
    ours, theirs = open_channel()
    text = "x" * 1_000_000
    speaker = threading.Thread(target=theirs.send, args=["boot failed", text, 3])
    speaker.start()
    messages = []
    while not messages:
        messages, _ = ours.read()

    speaker.join()

    assert messages[0].text == text
    ours.close()
    theirs.close()


def test_the_arbiter_sees_the_worker_go():
    ours, theirs = open_channel()
    theirs.close()

    assert ours.read() == ([], False)
    ours.close()


def test_a_signal_tells_the_worker_that_the_arbiter_is_gone():
    ours, theirs = open_channel()
    assert theirs.read() == ([], True)
    arrived = threading.Event()
    previous = signal.signal(signal.SIGIO, lambda *_: arrived.set())
    try:
        theirs.ask_for_signal()
        ours.close()

        assert arrived.wait(5)
        assert theirs.read() == ([], False)
        theirs.send("ready")
    finally:
        theirs.close()
        signal.signal(signal.SIGIO, previous)


def test_the_arbiter_does_not_wait_for_a_worker_that_does_not_listen():
    ours, theirs = open_channel()
    for _ in range(100):
        ours.send("retire", "x" * 10_000)

    messages, is_open = theirs.read()

    assert is_open
    assert {each.text for each in messages} == {"x" * 10_000}
    ours.close()
    theirs.close()


@pytest.mark.process
def test_closing_twice_in_a_fork_is_seen_once_all_copies_are_gone():
    ours, theirs = open_channel()
    pid = os.fork()
    if pid == 0:
        ours.close()
        theirs.send("ready")
        os._exit(0)
    theirs.close()
    os.waitpid(pid, 0)

    messages, is_open = ours.read()

    assert [each.kind for each in messages] == ["ready"]
    assert not is_open
    ours.close()


@pytest.mark.parametrize(
    "line",
    [b"", b"ready", b"ready\tx\t", b"\xff\t0\t", b"a\t0\t\\x", b"a\t0\tb\tc", b"a\t" + b"9" * 9999],
)
def test_a_line_that_is_not_a_message_is_ignored(line):
    ours, theirs = open_channel()
    theirs._socket.sendall(line + b"\n")
    theirs.send("ready")

    messages, is_open = ours.read()

    assert [each.kind for each in messages] == ["ready"]
    assert is_open
    ours.close()
    theirs.close()


def test_a_worker_that_writes_without_end_does_not_hold_the_reader():
    ours, theirs = open_channel()
    writer = threading.Thread(target=flood, args=[theirs])
    writer.start()

    for _ in range(20):
        ours.read(65536)
        assert len(ours._unread) < 1 << 22

    ours.close()
    writer.join()
    theirs.close()


def flood(end):
    """Write until the other end is closed, and never the end of a line."""
    try:
        while True:
            end._socket.sendall(b"x" * 65536)
    except OSError:
        pass


def test_a_line_without_end_is_not_kept_and_the_next_message_arrives():
    ours, theirs = open_channel()
    text = "x" * (1 << 23)
    writer = threading.Thread(target=lambda: (theirs.send("recycle", text), theirs.send("ready")))
    writer.start()
    messages = []
    while not messages:
        messages, _ = ours.read(65536)
        assert len(ours._unread) <= (1 << 21) + 65536

    writer.join()

    assert [each.kind for each in messages] == ["ready"]
    ours.close()
    theirs.close()
