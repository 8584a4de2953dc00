"""What processes have cost, read from /proc."""

import os

from benchmarks import accounting


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
