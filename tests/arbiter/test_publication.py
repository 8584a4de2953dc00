"""What the arbiter writes into the scoreboard, read by a reader of its own."""

import time

import pytest
from support.fake_arbiter import make_assembly, serving

from hookserve.arbiter.handles import READY
from hookserve.errors import ConfigError
from hookserve.worker.reading import Reader


def read(server):
    return Reader(server.arbiter.scoreboards).read()


def serve(handle, count):
    request_slot = handle.slot.request_slot(0)
    for _ in range(count):
        request_slot.begin(1.0, b"GET /")
        request_slot.end(1.5, 2, 10)


def test_the_server_and_its_workers_are_published():
    with serving(workers=2) as server:
        reading = read(server)

        assert reading.pid == server.arbiter.pid
        assert (reading.generation, reading.wanted, reading.started_at) == (1, 2, 1000.0)
        assert [(each.index, each.generation, each.capacity) for each in reading.workers] == [
            (0, 1, 1),
            (1, 1, 1),
        ]
        pids = [each.pid for each in reading.workers]
        assert pids == [each.pid for each in server.arbiter.worker_table]
        assert all(each.ready_at for each in reading.workers)

        server.arbiter.set_wanted(1)
        server.turn()

        assert read(server).wanted == 1


@pytest.mark.parametrize(("due", "overdue"), [(0.0, 0.0), (-7.0, 7.0), (60.0, 0.0), (None, 0.0)])
def test_a_reader_sees_that_the_arbiter_does_not_do_what_is_due(due, overdue):
    with serving(workers=1) as server:
        server.arbiter.publication.set_due(None if due is None else time.monotonic() + due)

        assert overdue <= read(server).overdue < overdue + 1.0


def test_the_arbiter_says_when_it_wakes_and_since_when_it_is_awake():
    with serving(workers=1) as server:
        arbiter, seen = server.arbiter, []
        record = arbiter.publication.record
        arbiter._watcher.wait = lambda left: (seen.append((left, record.due)), [])[1]
        arbiter._next_deadline = lambda now: now + 9.0
        arbiter.turn()

        now = server.clock.now
        assert (seen, record.due) == ([(9.0, now + 9.0)], now)


def test_a_worker_that_is_gone_is_counted_by_its_cause_and_its_requests_are_kept():
    with serving(workers=1) as server:
        handle = server.handle(0)
        serve(handle, 3)
        handle.slot.open_connections = 4
        server.clock.now += 5.0

        server.end(handle, 9)

        reading = read(server)
        assert reading.counters["requests"] == 3
        assert sum(reading.buckets) == 3
        assert reading.exits_by_kind["killed"] == 1
        (gone,) = reading.exits
        assert (gone.index, gone.pid, gone.reason) == (0, handle.pid, "killed (SIGKILL)")
        assert gone.lifetime == 5.0
        assert "connections" not in server.arbiter.publication.record.totals
        assert server.arbiter.stats()["connections"] == 0


def test_reloads_are_numbered_with_their_outcome():
    with serving(workers=1) as server:
        server.next_assembly = ConfigError("workers (hookserve.toml): expected a number")
        server.arbiter.reload()
        failed = read(server)
        server._reassemble = lambda: make_assembly(server.recorder, workers=1)
        server.arbiter.reloads._reassemble = server._reassemble
        server.arbiter.reload()
        server.turn()
        assert read(server).reloads_wanted == 1
        assert (read(server).generation, read(server).serving_generation) == (2, 1)
        server.arbiter.reload()
        server.arbiter.reload()
        assert read(server).reloads_wanted == 2
        for _ in range(4):
            server.turn()
            server.become_ready()

        reading = read(server)
        assert (failed.generation, failed.serving_generation) == (1, 1)
        assert (failed.reloads_wanted, failed.reloads_ended) == (0, 1)
        assert failed.reloads[0].reason == "workers (hookserve.toml): expected a number"
        assert (reading.reloads_wanted, reading.reloads_ended) == (0, 3)
        assert [each.is_complete for each in reading.reloads] == [1, 1, 0]
        assert [each.generation for each in reading.reloads] == [3, 2, 1]


def test_the_time_of_a_reload_that_follows_another_counts_from_when_it_was_asked_for():
    with serving(workers=1) as server:
        server.arbiter.reloads._reassemble = lambda: make_assembly(server.recorder, workers=1)
        server.arbiter.reload()
        server.turn(seconds=2)
        server.arbiter.reload()
        server.turn(seconds=3)
        server.become_ready()
        server.turn(seconds=4)
        server.become_ready()

        assert [each.seconds for each in read(server).reloads] == [7.0, 5.0]


def test_counters_are_the_same_in_both_scoreboards_when_a_reload_needs_a_larger_one():
    with serving(workers=1, worker_class="gthread", threads=1) as server:
        arbiter, old = server.arbiter, server.handle(0)
        serve(old, 3)
        before = arbiter.scoreboards
        server.next_assembly = make_assembly(
            server.recorder, workers=1, worker_class="gthread", threads=8
        )
        arbiter.reload()
        assert len(arbiter.scoreboards) == 2
        server.turn()
        serve(server.handle(0), 1)
        server.become_ready()
        assert server.handle(0).state == READY
        assert read(server).counters["requests"] == 4

        server.end(old)

        assert read(server).counters["requests"] == 4
        assert Reader(before).read().counters["requests"] == 3
        assert len(arbiter.scoreboards) == 1
