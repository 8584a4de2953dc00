"""The worker pool, with children that are never forked."""

import signal

from support.fake_arbiter import FakeServer, make_assembly, serving

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


def test_no_more_workers_are_wanted_than_there_is_room_for(caplog):
    with serving(workers=2) as server:
        arbiter = server.arbiter
        assert arbiter.most_workers == 63

        arbiter.set_wanted(70)
        for _ in range(3):
            server.turn(seconds=1)
            server.become_ready()

        assert arbiter.num_workers == len(server.arbiter.worker_table) == 63
        arbiter.recycle(server.handle(5), "a test")
        server.turn()
        server.become_ready()
        both = [each.state for each in arbiter.worker_table if each.index == 5]
        assert both == [DRAINING, READY]
        assert [record.getMessage() for record in caplog.records if record.levelno > 20] == [
            "there is room for 63 workers at most, not for 70: give the configuration workers = 70"
            " and reload"
        ]


def test_ttin_beyond_the_room_is_one_warning_and_changes_nothing(caplog):
    with serving(workers=2) as server:
        server.arbiter.set_wanted(63)
        for count in (1, 2):
            server.arbiter._handlers[signal.SIGTTIN]("TTIN")

            assert server.arbiter.num_workers == 63
            assert caplog.text.count("there is room for 63 workers at most, not for 64") == count


def test_a_reload_has_room_for_more_workers():
    with serving(workers=2) as server:
        server.next_assembly = make_assembly(server.recorder, workers=70)
        server.arbiter.reload()
        server.turn()
        server.become_ready()

        assert server.arbiter.num_workers == 70
        assert server.arbiter.most_workers == 279


def test_where_there_are_more_workers_than_room_none_is_taken_away(caplog):
    with serving(workers=2) as server:
        # As after a re-exec with fewer `workers`, until its canary is ready.
        server.arbiter.current = server.arbiter.current._replace(wanted=150)

        server.arbiter.set_wanted(151)

        assert server.arbiter.num_workers == 150
        server.arbiter.set_wanted(80)
        assert server.arbiter.num_workers == 80


def test_a_plugin_that_wants_too_many_at_each_tick_is_named_once(caplog):
    with serving(workers=2) as server:
        for _ in range(3):
            server.arbiter.set_wanted(100)

        assert server.recorder.named("nworkers_changed")[-1] == (63, 2)
        assert caplog.text.count("there is room for") == 1
