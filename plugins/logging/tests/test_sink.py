"""Where lines go."""

import os
import threading

import pytest
from hookserve_logging.sink import Sink

from hookserve import ConfigError


def test_lines_wait_until_they_are_flushed(tmp_path):
    path = tmp_path / "log"
    sink = Sink(str(path))

    sink.write("one")
    sink.write("two")
    assert path.read_text() == ""

    sink.flush()
    assert path.read_text() == "one\ntwo\n"


def test_a_moved_file_is_opened_again(tmp_path):
    path = tmp_path / "log"
    sink = Sink(str(path))
    sink.write("before")
    path.rename(tmp_path / "log.1")

    sink.reopen()
    sink.write("after")
    sink.flush()

    assert (tmp_path / "log.1").read_text() == "before\n"
    assert path.read_text() == "after\n"


def test_a_full_disk_disturbs_no_request():
    sink = Sink("/dev/full")

    sink.write("lost")
    sink.flush()
    sink.write("lost too")
    sink.reopen()

    assert not sink._lines


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot open"):
        Sink(str(tmp_path / "no" / "log"))


def test_a_file_that_cannot_be_opened_again_stays(tmp_path):
    directory = tmp_path / "logs"
    directory.mkdir()
    sink = Sink(str(directory / "log"))
    directory.rename(tmp_path / "moved")

    sink.reopen()
    sink.write("still here")
    sink.flush()

    assert (tmp_path / "moved" / "log").read_text() == "still here\n"


def test_threads_lose_and_repeat_nothing(tmp_path):
    path = tmp_path / "log"
    sink = Sink(str(path))

    def work(number):
        for each in range(2000):
            sink.write(f"{number} {each}")
            if each % 100 == 0:
                sink.flush()

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.flush()

    lines = path.read_text().splitlines()
    assert len(lines) == 8000
    assert len(set(lines)) == 8000


def test_standard_output_is_descriptor_1():
    read, write = os.pipe()
    saved = os.dup(1)
    os.dup2(write, 1)
    try:
        sink = Sink("-")
        sink.write("shown")
        sink.flush()
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(write)

    assert os.read(read, 100) == b"shown\n"
    os.close(read)
