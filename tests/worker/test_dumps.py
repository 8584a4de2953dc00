"""Stacks as an operator reads them."""

import faulthandler
import tempfile
import threading

from hookserve.testing.waiting import wait_until
from hookserve.worker.dumps import render_dump

IDLE = '  File "leader.py", line 86 in acquire\n  File "worker.py", line 97 in _work\n'
BUSY = '  File "shop.py", line 6 in app\n  File "worker.py", line 103 in _work\n'


def thread(number, stack, name="Thread"):
    return f"{name} 0x00007f{number:010x} (most recent call first):\n{stack}\n"


def test_threads_that_do_the_same_are_shown_once_and_after_those_that_do_not():
    dumped = thread(1, IDLE) + thread(2, IDLE) + thread(3, BUSY) + thread(4, IDLE)

    assert render_dump(dumped) == (
        f"{thread(3, BUSY).rstrip()}\n\n3 threads, each (most recent call first):\n{IDLE.rstrip()}"
    )


def test_what_is_no_thread_is_kept_and_a_slow_request_is_named_by_its_slot():
    tasks = "Task-1 waits at shop.py:3\n"
    dumped = thread(1, BUSY) + thread(2, IDLE, "Current thread") + tasks + "\x1e12\nFile a\n"

    assert render_dump(dumped) == (
        f"{thread(1, BUSY)}{thread(2, IDLE, 'Current thread')}{tasks}"
        "The request in slot 12 (most recent call last):\nFile a"
    )


def test_a_slow_request_is_named_where_only_threads_come_before_it():
    dumped = thread(1, BUSY) + "\x1e0\nFile a\n" + "\x1e1\nFile b\n"

    assert render_dump(dumped) == (
        f"{thread(1, BUSY)}"
        "The request in slot 0 (most recent call last):\nFile a\n"
        "The request in slot 1 (most recent call last):\nFile b"
    )


def dump():
    """As faulthandler writes it of this process."""
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        return file.read()


def test_what_faulthandler_writes_is_understood():
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait) for _ in range(3)]
    for each in threads:
        each.start()
    try:
        wait_until(lambda: "3 threads, each (most recent call first):\n" in render_dump(dump()))
        found = render_dump(dump())
    finally:
        stop.set()
        for each in threads:
            each.join()

    assert "in test_what_faulthandler_writes_is_understood\n" in found


def test_nothing_is_nothing():
    assert render_dump("") == ""
