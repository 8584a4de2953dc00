"""What the kernel says of a process."""

import os
import sys

import pytest
from hookserve_status.processes import read_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="proc(5) is Linux's")


def test_this_process_is_known():
    found = read_process(os.getpid())

    assert found.rss_bytes > 1 << 20
    assert found.cpu_seconds > 0


def test_a_name_with_parentheses_and_blanks_confuses_nothing(tmp_path):
    (tmp_path / "7").mkdir()
    values = " ".join(map(str, range(3, 53)))
    (tmp_path / "7" / "stat").write_text(f"7 (a) S (b c) {values}\n")
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")

    found = read_process(7, str(tmp_path))

    # By the numbers of proc(5): utime 14, stime 15, cutime 16, cstime 17, rss 24.
    assert found == ((14 + 15) / tick, (16 + 17) / tick, 24 * page)


def test_a_process_that_is_gone_has_nothing(tmp_path):
    assert read_process(1, str(tmp_path)) == (0.0, 0.0, 0)
