"""What ends a worker's wait from outside its loop."""

import os
import threading

from hookserve.worker.wakeup import Wakeup


def test_a_notified_wakeup_is_readable_until_it_is_cleared():
    wakeup = Wakeup()
    assert not wakeup.wait(0)

    wakeup.notify()
    assert wakeup.wait(0)

    wakeup.clear()
    assert not wakeup.wait(0)


def test_many_notifications_are_one():
    wakeup = Wakeup()
    for _ in range(100_000):
        wakeup.notify()

    while wakeup.wait(0):
        wakeup.clear()
    wakeup.clear()

    assert not wakeup.wait(0)


def test_a_thread_ends_the_wait_of_another():
    wakeup = Wakeup()
    thread = threading.Thread(target=wakeup.notify)
    thread.start()

    assert wakeup.wait(20)
    thread.join()


def test_one_that_is_replaced_shares_nothing_with_the_process_that_was_forked():
    wakeup = Wakeup()
    number = wakeup.fileno()
    of_parent = os.dup(number)
    wakeup.notify()

    wakeup.replace()

    assert wakeup.fileno() == number
    assert not wakeup.wait(0)
    wakeup.notify()
    wakeup.clear()
    assert os.read(of_parent, 8) == b"\0"
    os.close(of_parent)
