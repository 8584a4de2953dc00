"""Counters of one process."""

import os

import pytest
from hookserve_statsd.table import SAMPLE, Table


def test_a_reading_is_what_has_happened_since_the_last():
    table = Table()
    table.count_request(200, 0.25)
    table.count_request(404, 0.5)
    table.count_request(200, 0.25)
    table.count_log("warning")

    assert table.read() == ([0, 0, 1, 0], {200: 2, 404: 1}, 3, [0.25, 0.5, 0.25])
    assert table.read() == ([0, 0, 0, 0], {}, 0, [])

    table.count_request(999, 1.0)
    assert table.read() == ([0, 0, 0, 0], {999: 1}, 1, [1.0])


@pytest.mark.parametrize("status", [0, 99, 1000])
def test_a_request_without_a_status_is_left_out(status):
    table = Table()
    table.count_request(status, 1.0)

    assert table.read() == ([0, 0, 0, 0], {}, 0, [])


def test_durations_are_a_uniform_sample_of_all_requests():
    table = Table()
    sums = 0.0
    for _ in range(50):
        for number in range(1000):
            table.count_request(200, number)
        reading = table.read()
        assert (reading.seen, len(reading.durations)) == (1000, SAMPLE)
        sums += sum(reading.durations) / SAMPLE

    # The mean of 1600 values has a standard deviation of 7.
    assert 450 < sums / 50 < 550


@pytest.mark.process
def test_the_arbiter_reads_what_another_process_counts():
    table = Table()
    pid = os.fork()
    if pid == 0:
        table.count_request(503, 0.5)
        os._exit(0)
    os.waitpid(pid, 0)

    assert table.read() == ([0, 0, 0, 0], {503: 1}, 1, [0.5])
