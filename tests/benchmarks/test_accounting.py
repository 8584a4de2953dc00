"""What processes have cost, read from /proc."""

import os

from benchmarks import accounting
from hookserve.testing import wait_until


def test_the_cpu_of_this_process_rises():
    before = accounting.cpu_of(os.getpid())
    deadline = before.total + 0.05
    while accounting.cpu_of(os.getpid()).total < deadline:
        sum(range(10000))

    assert (accounting.cpu_of(os.getpid()) - before).total > 0
    assert accounting.memory_of(os.getpid()) > 1


def test_a_name_with_parentheses_is_no_trap():
    text = "7 (a) (b) S 5 7 7 0 -1 0 0 0 0 0 11 12 13 14 20 0"

    assert accounting.parse_stat(text) == (5, 11, 12, 13, 14)


def test_the_run_time_and_the_reads_of_this_process_rise():
    pids = [os.getpid()]
    spent, reads = accounting.run_time_of(pids), accounting.reads_of(pids)
    with open("/dev/zero", "rb", buffering=0) as file:
        for _ in range(1000):
            file.read(1000)

    # The kernel brings the time up to date when a process stops, as waiting does.
    wait_until(lambda: accounting.run_time_of(pids) > spent)
    assert accounting.run_time_of(pids) - spent < 10
    assert accounting.reads_of(pids) - reads >= 1000
