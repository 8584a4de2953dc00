"""Measuring processes."""

import mmap
import os
import sys

import pytest
from hookserve_memory import meter as module
from hookserve_memory.meter import Meter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it measures on Linux")


def test_the_share_is_at_most_what_is_resident():
    share = Meter("pss").measure(os.getpid())
    resident = Meter("rss").measure(os.getpid())

    assert 0 < share <= resident * 1.05


def test_what_is_allocated_is_measured():
    meters = [Meter("pss"), Meter("rss")]
    before = [meter.measure(os.getpid()) for meter in meters]

    # Not of the heap, which may have as much to spare from before.
    with mmap.mmap(-1, 64 << 20) as held:
        for _ in range(64):
            held.write(b"x" * (1 << 20))
        after = [meter.measure(os.getpid()) for meter in meters]

    assert min(is_now - was for is_now, was in zip(after, before, strict=True)) > 50 << 20


def test_a_process_that_is_gone_has_no_size(tmp_path):
    assert Meter("pss", str(tmp_path)).measure(1) is None
    assert Meter("rss", str(tmp_path)).measure(1) is None


def test_without_permission_what_is_resident_counts(monkeypatch, caplog):
    def refusing(path, **options):
        if path.endswith("smaps_rollup"):
            raise PermissionError(13, "Permission denied")
        return open(path, **options)

    monkeypatch.setattr(module, "open", refusing, raising=False)
    meter = Meter("pss")

    sizes = [meter.measure(os.getpid()) for _ in range(2)]

    assert all(size > 1 << 20 for size in sizes)
    assert len(caplog.records) == 1
