"""What wrk reports, and what of it is an error."""

import json

import pytest

from benchmarks import load

SEEN = {
    "requests": 80000,
    "seconds": 4.0,
    "p50": 0.000405,
    "p99": 0.00435,
    "p999": 0.0125,
    "connect": 0,
    "read": 0,
    "write": 0,
    "status": 0,
    "timeout": 0,
}
WRK = """Running 4s test @ http://127.0.0.1:8000/
  1 threads and 16 connections
  80000 requests in 4.00s, 12.00MB read
Requests/sec:  20000.50

"""


def report(**changes):
    return f"{WRK}{json.dumps({**SEEN, **changes})}\n"


def test_the_report_is_read():
    result = load.parse(report(), spent=3.0)

    assert (result.requests, result.rate, result.busy) == (80000, 20000.0, 0.75)
    assert (result.p50, result.p99, result.p999) == (0.000405, 0.00435, 0.0125)


@pytest.mark.parametrize("error", ["connect", "status", "timeout"])
def test_what_was_not_answered_rightly_is_an_error(error):
    with pytest.raises(load.LoadError, match="3 "):
        load.parse(report(**{error: 3}))


def test_a_few_connections_may_break_and_many_may_not():
    assert load.parse(report(read=800)).requests == 80000
    with pytest.raises(load.LoadError, match="801 connections broken"):
        load.parse(report(read=800, write=1))


@pytest.mark.parametrize("output", ["", WRK, report(requests=0)])
def test_no_report_and_no_request_are_errors(output):
    with pytest.raises(load.LoadError):
        load.parse(output)


def test_the_load_sends_a_file_and_nothing_of_its_own():
    words = load.command(8000, 3, 64, "/tmp/request")

    assert words[-2:] == ["--", "/tmp/request"]
    assert not {"-H", "--header"} & set(words)
