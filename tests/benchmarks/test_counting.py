"""Counts, read from what strace and perf say."""

from benchmarks import counting

STRACE = """strace: Process 12 attached with 2 threads
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.52    0.005123           5      1000           sendmsg
 38.48    0.003204           3      1001         7 recvfrom
  0.00    0.000000           0         2           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.008327           4      2003         7 total
"""
COUNTED = "1234567,,instructions,2000,100.00,1.2,insn per cycle\n"
UNCOUNTED = "<not supported>,,instructions,0,100.00,,\n"


def test_the_calls_are_added_up_once():
    assert counting.parse_strace(STRACE) == 2003
    assert counting.parse_strace("strace: attach: Operation not permitted\n") == 0


def test_instructions_are_none_where_they_are_not_counted():
    assert counting.parse_perf(COUNTED) == 1234567
    assert counting.parse_perf(UNCOUNTED) is None
    assert counting.parse_perf("") is None
