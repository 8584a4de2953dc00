"""What the kernel says of a process."""

import os
import subprocess
import sys

import pytest
from hookserve_status import processes
from hookserve_status.processes import Process, ProcessReader

from hookserve.testing import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="proc(5) is Linux's")


@pytest.fixture
def reader():
    reader = ProcessReader()
    yield reader
    reader.read([])


def test_this_process_is_known():
    found = ProcessReader().read([os.getpid()])[os.getpid()]

    assert found.rss_bytes > 1 << 20
    assert found.cpu_seconds > 0


def test_a_name_with_parentheses_and_blanks_confuses_nothing(tmp_path):
    (tmp_path / "7").mkdir()
    values = " ".join(map(str, range(3, 53)))
    (tmp_path / "7" / "stat").write_text(f"7 (a) S (b c) {values}\n")
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")

    found = ProcessReader(str(tmp_path)).read([7])[7]

    # By the numbers of proc(5): utime 14, stime 15, cutime 16, cstime 17, rss 24.
    assert found == Process((14 + 15) / tick, (16 + 17) / tick, 24 * page)


def test_a_process_that_is_gone_has_nothing(tmp_path):
    assert ProcessReader(str(tmp_path)).read([1]) == {1: Process(0.0, 0.0, 0)}


@pytest.mark.process
def test_a_process_that_ends_between_two_reads_has_nothing(reader):
    with subprocess.Popen(["sleep", "60"]) as child:
        wait_until(lambda: reader.read([child.pid])[child.pid].rss_bytes)
        child.kill()

    assert reader.read([child.pid]) == {child.pid: Process(0.0, 0.0, 0)}


def test_another_process_of_the_same_number_is_read_anew(reader, monkeypatch):
    pid = os.getpid()
    reader.read([pid])
    read, seen = os.pread, []

    def pread(file, size, at):
        seen.append(file)
        if len(seen) == 1:
            raise ProcessLookupError
        return read(file, size, at)

    monkeypatch.setattr(os, "pread", pread)

    assert reader.read([pid])[pid].rss_bytes > 0
    assert len(seen) == 2


def test_no_more_files_stay_open_than_processes_are_asked_for(reader):
    descriptors = len(os.listdir("/proc/self/fd"))
    reader.read([os.getpid(), os.getppid()])

    reader.read([os.getpid()])
    reader.read([os.getpid()])

    assert len(os.listdir("/proc/self/fd")) == descriptors + 1


def test_beyond_a_limit_no_file_stays_open(reader, monkeypatch):
    monkeypatch.setattr(processes, "_MOST_FILES", 1)
    descriptors = len(os.listdir("/proc/self/fd"))

    found = reader.read([os.getpid(), os.getppid()])

    assert all(each.rss_bytes for each in found.values())
    assert len(os.listdir("/proc/self/fd")) == descriptors + 1
