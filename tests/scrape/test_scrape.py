"""What grows is a fault; the looks in short, which `make scrape` takes for ten minutes."""

from dataclasses import replace

import pytest

from tests.scrape.recycling import Look, faults, load, looks, running


def made(files=100, scrape=30.0, requests=0, gone=0):
    return Look(0.0, files, 1 << 20, scrape, requests, gone)


STEADY = [made(requests=1000 * number, gone=number) for number in range(9)]


def test_what_stays_as_it_is_has_no_fault():
    assert list(faults(STEADY)) == []


@pytest.mark.parametrize(
    ("last", "fault"),
    [
        (made(files=120, requests=9000, gone=9), "100 files at first, 120 at last"),
        (made(requests=10, gone=9), "a counter has fallen"),
        (made(requests=9000, gone=0), "no worker was recycled"),
    ],
)
def test_what_grows_or_falls_is_a_fault(last, fault):
    assert list(faults([*STEADY, last])) == [fault]


def test_a_scrape_that_takes_ever_longer_is_a_fault():
    slower = [made(scrape=30.0 + 10 * n, requests=n, gone=n) for n in range(9)]

    assert list(faults(slower)) == ["a scrape takes 40.0 ms at first, 100.0 ms at last"]


@pytest.mark.process
def test_workers_that_are_recycled_and_killed_leave_no_files(tmp_path):
    with running(tmp_path, 2, 50) as server, load(server.server.address, 4):
        found = list(looks(server, count=4, interval=0.5, warm_up=4, times=1))

    # A second is too short to compare times.
    assert list(faults([replace(each, scrape=0.0) for each in found])) == []
    assert found[-1].requests > 200
    assert found[-1].files < 40
