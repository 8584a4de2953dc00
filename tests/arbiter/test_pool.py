"""The worker pool, with children that are never forked."""

from support.fake_arbiter import FakeServer, serving

from hookserve import hookimpl
from hookserve.arbiter.handles import BOOTING, DRAINING, READY


def test_as_many_workers_are_forked_as_are_wanted():
    with serving(workers=3) as server:
        table = server.arbiter.worker_table

        assert [(each.index, each.state) for each in table] == [(0, READY), (1, READY), (2, READY)]


def test_more_and_fewer_workers_by_number():
    with serving(workers=2) as server:
        server.arbiter.set_wanted(3)
        server.turn()
        added = server.handle(2)

        server.arbiter.set_wanted(1)
        server.turn()

        assert added.state == DRAINING
        assert server.processes.sent_to(added.pid) == ["SIGTERM"]
        assert server.handle(0).state == READY
        assert server.recorder.named("nworkers_changed") == [(3, 2), (1, 3)]


def test_a_replacement_is_ready_before_its_predecessor_is_retired():
    with serving(workers=1) as server:
        old = server.handle(0)
        server.arbiter.recycle(old, "it is old")
        server.turn()
        new = server.handle(0)

        assert new is not old
        assert (old.state, new.state) == (READY, BOOTING)
        server.become_ready()
        assert old.state == DRAINING
        assert server.processes.sent_to(old.pid) == ["SIGTERM"]


def test_workers_are_recycled_one_after_another():
    with serving(workers=3) as server:
        for handle in server.arbiter.worker_table:
            server.arbiter.recycle(handle, "a test")
        server.turn()

        assert sum(each.state == BOOTING for each in server.arbiter.worker_table) == 1


def test_a_worker_that_has_lived_long_enough_is_replaced():
    with serving(workers=1, max_lifetime=60, timeout=0) as server:
        old = server.handle(0)
        assert server.arbiter.pool.due(server.clock.now) == old.ready_at + 60

        server.turn(seconds=61)

        assert old.recycle_reason == "max_lifetime"
        assert server.handle(0) is not old


def test_a_second_failure_in_a_row_leaves_the_slot_empty_for_a_while():
    with serving(workers=1) as server:
        server.end(server.handle(0), status=9)
        server.become_ready()
        server.end(server.handle(0), status=9)

        assert server.arbiter.worker_table.at(0) == []
        assert server.arbiter.pool.due(server.clock.now) == server.clock.now + 0.5
        server.turn(seconds=0.5)
        assert server.handle(0).state == BOOTING


def test_a_fork_that_fails_is_tried_again():
    server = FakeServer(workers=1)
    server.become_ready()
    server.processes.forks_fail = True
    server.end(server.handle(0), status=9)
    assert len(server.arbiter.worker_table) == 0

    server.processes.forks_fail = False
    server.turn(seconds=1.0)

    assert server.handle(0).state == BOOTING
    server.close()


class AllAtOnce:
    """A plan that replaces every worker before it retires any."""

    def starts(self, counts):
        return counts.wanted - counts.booting

    def retirements(self, counts):
        return 0

    @hookimpl
    def make_restart_plan(self):
        return self


def test_a_plugin_decides_how_many_are_replaced_at_once():
    with serving(workers=3, plugins=[AllAtOnce()]) as server:
        for handle in server.arbiter.worker_table:
            server.arbiter.recycle(handle, "a test")
        server.turn()

        assert sum(each.state == BOOTING for each in server.arbiter.worker_table) == 3


def test_workers_may_be_missing_while_others_are_replaced():
    with serving(workers=2, max_unavailable=1) as server:
        old = list(server.arbiter.worker_table)
        for handle in old:
            server.arbiter.recycle(handle, "a test")
        server.turn()

        assert [each.state for each in old].count(DRAINING) == 1
