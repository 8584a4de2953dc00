"""Where lines go."""

import errno
import os
import threading

import hookserve_logging.sink
import pytest
from hookserve_logging.sink import Sink
from support.applications import hello

from hookserve import ConfigError
from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask


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


def test_lines_that_a_full_disk_loses_are_reported_once_and_counted(tmp_path, caplog):
    path = tmp_path / "log"
    sink = Sink("/dev/full")
    for _ in range(2):
        sink.write("lost")
        sink.write("lost too")
        sink.flush()
    with open(path, "wb") as fresh:
        os.dup2(fresh.fileno(), sink._descriptor)
    for _ in range(2):
        sink.write("here")
        sink.flush()

    assert path.read_text() == "here\nhere\n"
    assert [record.getMessage() for record in caplog.records] == [
        "accesslog: cannot write to /dev/full: No space left on device; lines are lost",
        "accesslog: /dev/full is written again; 4 lines are lost",
    ]


def test_a_line_that_was_cut_off_does_not_run_into_the_next(tmp_path, monkeypatch, caplog):
    sink = Sink(str(path := tmp_path / "log"))
    room = [7]

    def write(descriptor, data):
        if not room[0]:
            raise OSError(errno.ENOSPC, "full")
        size = min(room[0], len(data))
        room[0] -= size
        return os.write(descriptor, data[:size])

    monkeypatch.setattr(hookserve_logging.sink, "write", write)
    sink.write("first")
    sink.write("second")
    sink.write("third")
    sink.flush()
    room[0] = 100
    sink.write("fourth")
    sink.flush()

    assert path.read_text() == "first\ns\nfourth\n"
    assert "2 lines are lost" in caplog.text


@pytest.mark.process
def test_a_server_reports_access_lines_that_are_lost():
    arguments = ["--access-logfile", "/dev/full"]
    with serve(hello, arguments=arguments) as server:
        assert ask(server.address).status == 200

        wait_until(lambda: "accesslog: cannot write to /dev/full" in server.log)


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
