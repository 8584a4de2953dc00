"""One consistent record, read by any process."""

import os
import time

import pytest

from hookserve import ScoreboardField
from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import DRAINING, GONE, READY, Scoreboard


def worker(scoreboard, index, pid=1, forked_at=1.0):
    slot = scoreboard.take()
    slot.index, slot.pid, slot.forked_at = index, pid, forked_at
    slot.capacity, slot.state = 4, READY
    return slot


def serve(slot, count, place=0):
    request_slot = slot.request_slot(place)
    for _ in range(count):
        request_slot.begin(time.monotonic(), b"GET /")
        request_slot.end(time.monotonic(), 2, 1)


def test_workers_are_read_by_index_with_what_they_do():
    scoreboard = Scoreboard(4, 4)
    second, first = worker(scoreboard, 1, 11), worker(scoreboard, 0, 10)
    second.state = DRAINING
    second.request_slot(0).begin(time.monotonic(), b"GET /slow", b"an-id")
    second.open_connections = 2
    serve(first, 3)

    reader = Reader([scoreboard])
    reading = reader.read()

    assert [(each.index, each.pid, each.state) for each in reading.workers] == [
        (0, 10, "ready"),
        (1, 11, "draining"),
    ]
    assert [each.busy for each in reading.workers] == [0, 1]
    assert reading.workers[0].oldest_began == 0.0
    assert 0.0 < reading.workers[1].oldest_began <= reading.now
    assert reading.workers[1].connections == 2
    assert reading.workers[0].capacity == 4
    assert reading.counters["requests"] == 3
    assert sum(reading.buckets) == 3
    ((index, pid, request),) = reader.in_flight()
    assert (index, pid, request.label, request.id) == (1, 11, "GET /slow", "an-id")


def test_a_slow_request_is_in_the_bucket_of_its_duration():
    scoreboard = Scoreboard(1, 1)
    slot = worker(scoreboard, 0)
    request_slot = slot.request_slot(0)
    for seconds in (0.003, 0.03, 3.0, 60.0, 60.0):
        request_slot.begin(0.0, b"GET /")
        request_slot.end(seconds, 2, 0)

    reading = Reader([scoreboard]).read()

    assert list(reading.buckets) == [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2]
    assert reading.seconds == pytest.approx(123.033)


def test_counters_never_fall_when_a_worker_goes():
    field = ScoreboardField("hits", "", "counter")
    scoreboard = Scoreboard(2, 1, fields=[field])
    slot = worker(scoreboard, 0)
    serve(slot, 5)
    slot.cells("hits")[0] = 3
    reader = Reader([scoreboard])
    before = reader.read()

    with scoreboard.server.change():
        scoreboard.server.add(slot)
        scoreboard.give_back(slot)
    serve(worker(scoreboard, 0, 2), 1)
    after = reader.read()

    assert before.counters["requests"] == 5
    assert after.counters["requests"] == 6
    assert before.fields["hits"] == after.fields["hits"] == [3]
    assert [each.pid for each in after.workers] == [2]


def test_workers_of_an_earlier_scoreboard_are_read_too():
    old, new = Scoreboard(1, 1), Scoreboard(2, 8, fields=[ScoreboardField("hits", "", "counter")])
    serve(worker(old, 0, 10), 1)
    serve(worker(new, 0, 11, forked_at=2.0), 2)

    reading = Reader([new, old]).read()

    assert [each.pid for each in reading.workers] == [10, 11]
    assert reading.counters["requests"] == 3
    assert reading.fields["hits"] == [0]


@pytest.mark.process
def test_a_number_that_is_being_stored_is_not_read_as_zero():
    """While another processor counts, without a moment between two requests."""
    scoreboard = Scoreboard(1, 1)
    reader = Reader([scoreboard])
    slot = worker(scoreboard, 0)
    pid = os.fork()
    if pid == 0:
        serve(slot, 200_000)
        os._exit(0)
    seen = []
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        reading = reader.read()
        seen.append((sum(reading.buckets), reading.counters["bytes_sent"], reading.seconds))

    for sums in zip(*seen, strict=True):
        assert list(sums) == sorted(sums)
    assert reader.read().counters["requests"] == 200_000


@pytest.mark.process
def test_a_reader_in_another_process_sees_no_counter_twice_and_none_missing():
    scoreboard = Scoreboard(2, 1)
    reader = Reader([scoreboard])
    serve(worker(scoreboard, 0), 1)
    pid = os.fork()
    if pid == 0:
        # Each turn a worker goes, and another comes and serves while the reader looks.
        for number in range(300):
            slot = next(each for each in reader._slots if each.state == READY and each.pid)
            with scoreboard.server.change():
                scoreboard.server.add(slot)
                scoreboard.give_back(slot)
            serve(worker(scoreboard, 0, 2 + number), 500)
        os._exit(0)
    seen = []
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        seen.append(reader.read().counters["requests"])

    assert seen == sorted(seen)
    assert reader.read().counters["requests"] == 150_001


def test_what_a_worker_has_counted_stays_while_it_ends():
    scoreboard = Scoreboard(2, 2)
    first, other = worker(scoreboard, 0), worker(scoreboard, 1, pid=2)
    serve(first, 3)
    serve(other, 1)
    reader = Reader([scoreboard])

    first.state = GONE  # as the worker itself says, before the arbiter has reaped it

    reading = reader.read()
    assert [each.index for each in reading.workers] == [1]
    assert reading.counters["requests"] == sum(reading.buckets) == 4
    assert reading.seconds > 0


@pytest.mark.parametrize(
    ("wanted", "is_stopping", "expected"),
    [
        (2, False, ["draining", "ready", "ready"]),
        (1, False, ["draining", "ready", "draining"]),
        (0, False, ["draining", "draining", "draining"]),
        (2, True, ["draining", "draining", "draining"]),
    ],
)
def test_a_worker_that_the_arbiter_has_retired_drains_though_it_has_not_read_it(
    wanted, is_stopping, expected
):
    scoreboard = Scoreboard(3, 1)
    for index, forked_at in ((0, 1.0), (0, 2.0), (1, 1.0)):
        worker(scoreboard, index, forked_at=forked_at)
    scoreboard.server.wanted, scoreboard.server.due = wanted, 1.0
    if is_stopping:
        scoreboard.announce_stop()

    workers = Reader([scoreboard]).read().workers

    assert [each.state for each in workers] == expected
