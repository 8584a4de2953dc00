"""Of two starts that claim a path in a directory, one comes first."""

import os
import threading

from hookserve.system.locks import _is_taken, directory_lock


def test_the_second_comes_when_the_first_is_through(tmp_path):
    first, second = (os.open(tmp_path, os.O_RDONLY) for _ in range(2))
    order = []

    def come_second():
        with directory_lock(second):
            order.append("second")

    with directory_lock(first):
        thread = threading.Thread(target=come_second)
        thread.start()
        assert not _is_taken(second)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]
    for descriptor in (first, second):
        os.close(descriptor)


def test_a_lock_that_is_never_released_does_not_stop_a_start(tmp_path, monkeypatch):
    monkeypatch.setattr("hookserve.system.locks._LIMIT", 0.05)
    first, second = (os.open(tmp_path, os.O_RDONLY) for _ in range(2))
    entered = False
    with directory_lock(first), directory_lock(second):
        entered = True

    assert entered
    for descriptor in (first, second):
        os.close(descriptor)
