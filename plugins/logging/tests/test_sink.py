"""Where lines go."""

import os
import threading

import pytest
from hookserve_logging.sink import Sink

from hookserve import ConfigError

NOW = 1_700_000_000.25


def test_lines_are_written_at_once_until_buffering_begins(tmp_path):
    path = tmp_path / "log"
    sink = Sink(str(path))

    sink.write("one", NOW)
    assert path.read_text() == "one\n"

    sink.buffer()
    sink.write("two", NOW)
    sink.write("three", NOW)
    assert path.read_text() == "one\n"

    sink.flush()
    assert path.read_text() == "one\ntwo\nthree\n"


def test_many_lines_are_written_without_being_asked(tmp_path):
    path = tmp_path / "log"
    sink = Sink(str(path))
    sink.buffer()

    for number in range(300):
        sink.write(str(number), NOW)

    assert len(path.read_text().splitlines()) >= 256


@pytest.mark.parametrize("later", [1.5, -60.0])
def test_lines_wait_for_a_second_at_most_also_when_the_clock_is_set_back(tmp_path, later):
    path = tmp_path / "log"
    sink = Sink(str(path))
    sink.buffer()
    sink.write("first", NOW)
    sink.write("second", NOW + 0.5)
    assert path.read_text() == ""

    sink.write("third", NOW + later)

    assert path.read_text() == "first\nsecond\nthird\n"


def test_a_moved_file_is_opened_again(tmp_path):
    path = tmp_path / "log"
    sink = Sink(str(path))
    sink.write("before", NOW)
    path.rename(tmp_path / "log.1")

    sink.reopen()
    sink.write("after", NOW)

    assert (tmp_path / "log.1").read_text() == "before\n"
    assert path.read_text() == "after\n"


def test_a_full_disk_harms_nobody():
    sink = Sink("/dev/full")

    sink.write("lost", NOW)
    sink.write("lost too", NOW)
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
    sink.write("still here", NOW)

    assert (tmp_path / "moved" / "log").read_text() == "still here\n"


def test_threads_lose_and_repeat_nothing(tmp_path):
    path = tmp_path / "log"
    sink = Sink(str(path))
    sink.buffer()

    def work(number):
        for each in range(2000):
            sink.write(f"{number} {each}", NOW)

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
        Sink("-").write("shown", NOW)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(write)

    assert os.read(read, 100) == b"shown\n"
    os.close(read)
