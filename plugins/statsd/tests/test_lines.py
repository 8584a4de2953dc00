"""The lines that are sent, and how many fit into a datagram."""

import pytest
from hookserve_statsd.lines import DATAGRAM, Lines, pack
from hookserve_statsd.table import Reading

NO_LOGS = [0, 0, 0, 0]


def lines_of(readings=(), workers=2, backlog=-1, prefix="", tags=""):
    datagrams = Lines(prefix, tags).datagrams(readings, workers, backlog)
    return b"\n".join(datagrams).decode().splitlines()


def test_the_names_are_those_of_gunicorn():
    readings = [
        Reading([1, 2, 0, 0], {200: 2, 404: 1}, 3, [0.001, 0.002, 0.0335]),
        Reading([0, 1, 3, 4], {200: 5}, 0, []),
    ]

    assert lines_of(readings, workers=4, backlog=7) == [
        "gunicorn.workers:4|g",
        "gunicorn.backlog:7|h",
        "gunicorn.requests:8|c",
        "gunicorn.request.status.200:7|c",
        "gunicorn.request.status.404:1|c",
        "gunicorn.log.critical:1|c",
        "gunicorn.log.error:3|c",
        "gunicorn.log.warning:3|c",
        "gunicorn.log.exception:4|c",
        "gunicorn.request.duration:1.000|ms",
        "gunicorn.request.duration:2.000|ms",
        "gunicorn.request.duration:33.500|ms",
    ]


@pytest.mark.parametrize(
    ("prefix", "name"),
    [("", ""), ("shop", "shop."), ("shop.", "shop."), ("shop..", "shop."), ("a.b", "a.b.")],
)
def test_a_prefix_ends_with_one_dot(prefix, name):
    assert lines_of(prefix=prefix) == [f"{name}gunicorn.workers:2|g"]


def test_tags_are_on_each_line():
    readings = [Reading(NO_LOGS, {200: 1}, 1, [0.5])]

    assert [line.partition("|#")[2] for line in lines_of(readings, tags="a:b,c")] == ["a:b,c"] * 4


def test_many_requests_are_one_datagram_with_a_sample_of_the_durations():
    readings = [
        Reading(NO_LOGS, {200: 9000}, 9000, [0.001] * 32),
        Reading(NO_LOGS, {200: 1000}, 1000, [0.002] * 32),
    ]

    (datagram,) = Lines("shop", "").datagrams(readings, 2, -1)
    lines = datagram.decode().splitlines()
    timers = [line for line in lines if "|ms" in line]
    rate = float(timers[0].partition("@")[2])

    assert len(datagram) <= DATAGRAM
    assert "shop.gunicorn.requests:10000|c" in lines
    assert len(timers) / rate == pytest.approx(10000, rel=0.001)
    slow = sum(":2.000|" in line for line in timers)
    assert slow / len(timers) == pytest.approx(0.1, abs=0.05)


def test_a_datagram_is_never_too_large():
    assert pack([b"a" * 4, b"b" * 5, b"c"], 10) == [b"aaaa\nbbbbb", b"c"]
    statuses = dict.fromkeys(range(200, 300), 1)
    found = Lines("", "tag:" + "x" * 50).datagrams([Reading(NO_LOGS, statuses, 0, [])], 1, -1)

    assert len(found) > 1
    assert max(map(len, found)) <= DATAGRAM


def test_a_metric_of_the_applications_has_the_prefix_and_the_tags():
    assert Lines("shop", "a:b").own("my.gauge", 3, "g") == b"shop.my.gauge:3|g|#a:b"
