"""How many workers a reload keeps: the new number counts once it cannot be cancelled any more."""

import signal

import pytest
from support.fake_arbiter import make_assembly, serving

from hookserve import hookimpl
from hookserve.arbiter.handles import BOOTING, DRAINING, READY


def assembly(server, plugins=(), **settings):
    """What the next reload reads."""
    server.next_assembly = make_assembly(server.recorder, plugins, **settings)


def serving_workers(server):
    return [each for each in server.arbiter.worker_table if each.is_serving]


@pytest.mark.parametrize("count", [1, 2, 6])
def test_a_reload_changes_the_number_of_workers_once_the_canary_is_ready(count):
    with serving(workers=3) as server:
        arbiter, old = server.arbiter, list(server.arbiter.worker_table)
        assembly(server, workers=count)

        arbiter.reload()
        server.turn()
        assert arbiter.num_workers == 3
        assert [each.state for each in arbiter.worker_table] == [READY] * 3 + [BOOTING]
        assert server.recorder.named("nworkers_changed") == []
        for _ in range(4):
            server.become_ready()

        assert arbiter.num_workers == count
        assert server.recorder.named("nworkers_changed") == [(count, 3)]
        assert [each.state for each in old] == [DRAINING] * 3
        assert len(serving_workers(server)) == count
        assert arbiter.previous is None


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_cancelled_reload_leaves_as_many_workers_as_there_were(count, scaled):
    with serving(workers=1 if scaled else 4) as server:
        arbiter = server.arbiter
        if scaled:
            arbiter.set_wanted(4)
            server.turn()
            server.become_ready()
        old, changes = list(arbiter.worker_table), server.recorder.named("nworkers_changed")
        for _ in range(2):
            assembly(server, workers=count)
            arbiter.reload()
            server.turn()
            server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")

        assert list(arbiter.worker_table) == old
        assert [each.state for each in old] == [READY] * 4
        assert arbiter.num_workers == 4
        assert server.recorder.named("nworkers_changed") == changes


def test_a_canary_that_is_late_leaves_as_many_workers_as_there_were():
    with serving(workers=4, boot_timeout=5, timeout=0) as server:
        old = list(server.arbiter.worker_table)
        assembly(server, workers=1, boot_timeout=5, timeout=0)
        server.arbiter.reload()
        server.turn()
        canary = server.handle(0)

        for _ in range(4):
            server.turn(seconds=2)
        assert server.processes.sent_to(canary.pid)
        assert [each for each in server.arbiter.worker_table if each not in old] == [canary]
        server.end(canary, status=9)

        assert len(server.recorder.named("reload_failed")) == 1
        assert serving_workers(server) == old
        assert [each.state for each in old] == [READY] * 4


@pytest.mark.parametrize("boots", [True, False])
@pytest.mark.parametrize("asked", [2, 4, 6])
def test_a_number_that_is_asked_for_during_a_reload_counts_whatever_comes_of_it(asked, boots):
    with serving(workers=4) as server:
        arbiter = server.arbiter
        assembly(server, workers=1)
        arbiter.reload()
        server.turn()

        arbiter.set_wanted(asked)
        server.turn()
        assert arbiter.num_workers == asked
        if not boots:
            server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")
        for _ in range(8):
            server.become_ready()

        assert arbiter.num_workers == asked
        generation = 2 if boots else 1
        assert [each.generation for each in serving_workers(server)] == [generation] * asked


def test_one_more_and_one_less_count_from_the_number_that_there_is():
    with serving(workers=4) as server:
        assembly(server, workers=1)
        server.arbiter.reload()
        server.turn()

        server.arbiter._handlers[signal.SIGTTIN]("TTIN")
        server.arbiter._handlers[signal.SIGTTIN]("TTIN")
        server.arbiter._handlers[signal.SIGTTOU]("TTOU")

        assert server.arbiter.num_workers == 5


class Steers:
    """Wants a number of workers of its own."""

    @hookimpl
    def target_workers(self):
        return 2


def test_a_plugin_that_steers_the_number_waits_for_the_canary():
    with serving(workers=4) as server:
        assembly(server, plugins=[Steers()], workers=1)
        server.arbiter.reload()

        server.turn(seconds=60)
        assert server.arbiter.num_workers == 4
        server.become_ready()

        assert server.arbiter.num_workers == 2


def test_workers_come_back_with_a_reload_that_all_were_drained_before():
    with serving(workers=2) as server:
        server.arbiter.set_wanted(0)
        server.turn()
        assembly(server, workers=2)

        server.arbiter.reload()
        server.turn()
        assert [each.generation for each in serving_workers(server)] == [2, 2]
        server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")

        assert server.arbiter.num_workers == 0
        assert serving_workers(server) == []


def test_no_worker_of_a_cancelled_generation_takes_the_place_of_an_old_one():
    with serving(workers=2) as server:
        old = server.handle(0)
        assembly(server, workers=2)
        server.arbiter.reload()
        server.turn()
        canary = server.handle(0)
        server.end(server.handle(1), status=9)  # its successor is of the new generation

        server.end(server.handle(1), status=3 << 8, boot_error="SyntaxError: a slip")

        assert canary.state == DRAINING
        assert old.state == READY
        assert [each.generation for each in serving_workers(server)] == [1, 1]


def test_a_reload_may_have_more_workers_than_the_scoreboard_had_room_for():
    with serving(workers=2) as server:
        assembly(server, workers=66)
        server.arbiter.reload()
        server.turn()

        for _ in range(3):
            server.become_ready()

        assert len(serving_workers(server)) == server.arbiter.num_workers == 66
        assert server.arbiter.previous is None


def test_a_reload_of_a_server_that_stops_is_refused_in_the_log(caplog):
    with serving(workers=1) as server:
        server.arbiter.stop("TERM")
        with caplog.at_level("WARNING", "hookserve"):
            server.arbiter.reload("HUP")

    assert "no reload, asked by HUP: the server is stopping" in caplog.text
