"""The pure parts of the measuring."""

import os

import pytest

from benchmarks import accounting, load, report

WRK = """Running 4s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  Latency Distribution
     50%  405.00us
     75%  500.00us
     90%    1.00ms
     99%    4.35ms
  80000 requests in 4.00s, 12.00MB read
Requests/sec:  20000.50
"""


def test_wrks_report_is_read():
    result = load.parse(WRK)

    assert (result.requests, result.rate) == (80000, 20000.5)
    assert (result.p50, result.p99) == pytest.approx((0.000405, 0.00435))


@pytest.mark.parametrize(
    "line",
    ["  Socket errors: connect 3, read 0, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 5\n"],
)
def test_errors_are_not_measured(line):
    with pytest.raises(load.LoadError):
        load.parse(WRK + line)


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


def test_medians_and_spread_are_taken():
    turns = [report.Turn(cost, cost, 1.0, 1.0, 1.0, 1.0, 1.0) for cost in (1e-6, 2e-6, 4e-6)]

    row = report.summarise("x", turns)

    assert (row.cpu, row.user, row.spread) == pytest.approx((4.0, 2.0, 1.5))
    assert "x" in report.table([row])
