"""The arbiter takes its workers back after exec(2): two fake arbiters stand for the one process."""

import os

import pytest
from support.fake_arbiter import FakeListener, FakeServer, serving

from hookserve.arbiter.handles import BOOTING, DRAINING, READY
from hookserve.arbiter.restore import restore_workers
from hookserve.worker.channel import Message, open_channel


class Executed(FakeServer):
    """The arbiter after exec(2): it has forked nothing yet."""

    has_begun = False

    def turn(self, seconds=0.0):
        if self.has_begun:
            super().turn(seconds)


def hand_over(server):
    """What exec(2) keeps of the server; its descriptors are copies."""
    handover = server.arbiter.reexec._handover()
    return handover._replace(
        workers=[
            each._replace(channel=os.dup(each.channel), dump_fd=os.dup(each.dump_fd))
            for each in handover.workers
        ],
        scoreboards=[each._replace(fd=os.dup(each.fd)) for each in handover.scoreboards],
    )


@pytest.fixture
def restore():
    """Makes a server of a handover."""
    made = []

    def restore(handover, inherited=(), **settings):
        server = Executed(**settings)
        made.append((server, handover))
        server.clock.now = 1001.0
        server.processes._next += 1000  # no process id twice
        restore_workers(server.arbiter, handover, tuple(inherited))
        server.has_begun = True
        return server

    yield restore
    for server, handover in made:
        server.close()
        for scoreboard in handover.scoreboards:
            os.close(scoreboard.fd)


def test_workers_serve_on_with_all_that_they_had(restore):
    with serving(workers=2) as before:
        old = list(before.arbiter.worker_table)
        old[1].slot.accepted = 5
        os.write(old[1].dump_fd, b"stacks")
        handover = hand_over(before)

        server = restore(handover, workers=2)

        found = list(server.arbiter.worker_table)
        for name in ("index", "pid", "generation", "ready_at", "state"):
            assert [getattr(each, name) for each in found] == [getattr(each, name) for each in old]
        assert [each.slot.number for each in found] == [each.slot.number for each in old]
        assert [each.channel.fileno() for each in found] == [
            each.channel for each in handover.workers
        ]
        assert found[1].counters()["accepted"] == 5
        assert found[1].dumped_stacks() == "stacks"
        assert server.arbiter.stats()["accepted"] == 5
        protocol = server.arbiter.current.classes.protocol_class
        assert found[1].slot.describe == protocol.describe_request


def test_the_reload_that_they_were_handed_over_for_replaces_them(restore):
    with serving(workers=2) as before:
        server = restore(hand_over(before), workers=2)
        old = list(server.arbiter.worker_table)
        assert (server.arbiter.generation, server.arbiter.previous.number) == (2, 1)

        server.turn()
        canary = server.handle(0)
        assert (canary.state, canary.generation) == (BOOTING, 2)
        assert [each.state for each in old] == [READY, READY]
        server.become_ready()
        server.become_ready()

        assert [each.state for each in old] == [DRAINING, DRAINING]
        assert server.arbiter.previous is None
        assert server.recorder.named("reloaded") == [()]


def test_generations_are_counted_on(restore):
    with serving(workers=1) as before:
        before.arbiter.current = before.arbiter.current._replace(number=7)

        server = restore(hand_over(before), workers=1)

        assert (server.arbiter.generation, server.arbiter.previous.number) == (8, 7)


def test_a_new_worker_has_a_slot_that_no_old_one_writes_to(restore):
    with serving(workers=1) as before:
        server = restore(hand_over(before), workers=1)
        (old,) = server.arbiter.worker_table
        server.turn()
        new = server.handle(0)

        new.slot.accepted = 9

        assert old.slot.accepted == 0
        assert old in server.arbiter.worker_table
        assert old.scoreboard is not new.scoreboard
        assert new.scoreboard is server.arbiter.pool.factory.scoreboard


def test_an_address_that_the_new_code_drops_is_served_until_a_new_worker_is_ready(restore):
    with serving(workers=1) as before:
        dropped = FakeListener("127.0.0.1:9000")
        server = restore(hand_over(before), [dropped], workers=1)
        server.turn()
        assert not dropped.refuses_new_connections

        server.become_ready()

        assert dropped.refuses_new_connections
        assert dropped.is_closed


def test_new_code_that_cannot_boot_leaves_them_serving(restore):
    with serving(workers=2) as before:
        opened = FakeListener("127.0.0.1:8000")
        server = restore(hand_over(before), [opened], workers=2)
        old = list(server.arbiter.worker_table)
        server.turn()

        server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")

        assert [each.state for each in old] == [READY, READY]
        assert server.recorder.named("reload_failed") == [("SyntaxError: a slip",)]
        assert server.arbiter.generation == 1
        assert server.arbiter.listeners == (opened,)
        assert not opened.is_closed
        assert not server.arbiter.is_stopping


@pytest.mark.parametrize("boots", [True, False])
def test_their_number_changes_once_a_new_worker_is_ready(restore, boots):
    with serving(workers=1) as before:
        before.arbiter.set_wanted(4)
        before.turn()
        before.become_ready()
        server = restore(hand_over(before), workers=1)
        old = list(server.arbiter.worker_table)
        server.turn()
        assert server.arbiter.num_workers == 4
        assert [each.state for each in old] == [READY] * 4

        if boots:
            server.become_ready()
        else:
            server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")

        assert server.arbiter.num_workers == (1 if boots else 4)
        assert [each.state for each in old] == [DRAINING if boots else READY] * 4


def test_a_predecessor_that_does_not_say_its_number_has_one_for_each_worker(restore):
    with serving(workers=3) as before:
        server = restore(hand_over(before)._replace(wanted=-1), workers=1)
        server.turn()

        assert server.arbiter.num_workers == 3


def test_the_time_of_the_reload_counts_from_when_it_was_asked_for(restore):
    with serving(workers=1) as before:
        before.arbiter.reexec.begin = lambda: None  # the dry run
        before.arbiter.current = before.arbiter.current._replace(app=print)
        before.clock.now = 999.0
        before.arbiter.reload()
        server = restore(hand_over(before), workers=1)
        server.turn(seconds=3)

        server.become_ready()

        (reload,) = server.arbiter.publication.record.reloads()
        assert reload.seconds == 5.0


def test_their_messages_are_read(restore):
    with serving(workers=1) as before:
        handover = hand_over(before)
        (worker,) = handover.workers
        ours, theirs = open_channel()
        os.dup2(ours.fileno(), worker.channel)
        ours.close()
        server = restore(handover, workers=1)
        (handle,) = server.arbiter.worker_table
        assert worker.channel in server.arbiter.own_descriptors()

        theirs.send("recycle", "it has grown")
        server.arbiter.turn()
        handle.send("retire listener", "127.0.0.1:8000")

        assert handle.recycle_reason == "it has grown"
        assert theirs.read() == ([Message("retire listener", "127.0.0.1:8000")], True)
        theirs.close()


def test_their_lifetime_counts_from_when_they_became_ready(restore):
    with serving(workers=1) as before:
        ready_at = before.handle(0).ready_at

        server = restore(hand_over(before), workers=1, max_lifetime=3600)

        assert server.handle(0).expires_at == ready_at + 3600


def test_a_stop_is_announced_to_them(restore):
    with serving(workers=1) as before:
        worker_side = before.handle(0).scoreboard
        server = restore(hand_over(before), workers=1)

        server.arbiter.stop()
        server.turn()

        assert worker_side.is_stopping
        (handle,) = server.arbiter.worker_table
        assert server.processes.sent_to(handle.pid) == ["SIGTERM"]


def test_one_that_ends_is_replaced_as_any_other(restore):
    with serving(workers=1) as before:
        server = restore(hand_over(before), workers=1)
        old = server.handle(0)

        server.end(old, status=9)

        assert server.recorder.named("child_exit") == [(0, "killed (SIGKILL)")]
        assert server.handle(0) is not old


def test_workers_of_an_older_scoreboard_are_found_in_theirs(restore):
    with serving(workers=2, worker_class="gthread", threads=2) as before:
        factory = before.arbiter.pool.factory
        first, second = before.arbiter.worker_table
        first.slot.accepted = 3
        before.arbiter.release(second)
        factory.scoreboard = type(factory.scoreboard)(64, 9)
        before.turn()
        before.become_ready()
        before.handle(1).slot.accepted = 4

        server = restore(hand_over(before), workers=2)

        assert [each.slot.accepted for each in server.arbiter.worker_table] == [3, 4]
        assert len({each.scoreboard.fd for each in server.arbiter.worker_table}) == 2


def test_what_the_server_has_counted_is_kept(restore):
    with serving(workers=2) as before:
        before.end(before.handle(0), 9)
        before.turn()
        before.arbiter.publication.on_reload()
        before.arbiter.publication.on_reload()

        server = restore(hand_over(before), workers=2)

        record = server.arbiter.publication.record
        assert record.exits_by_kind["killed"] == 1
        assert record.started_at == 1000.0
        assert record.reloads_wanted == 2
        assert server.arbiter.reloads._is_wanted_again


def test_workers_whose_scoreboard_has_another_layout_serve_on_unread(restore):
    with serving(workers=1, timeout=5) as before:
        handover = hand_over(before)
        other = [each._replace(version=1) for each in handover.scoreboards]

        server = restore(handover._replace(scoreboards=other), workers=1, timeout=5)
        old = server.handle(0)
        server.turn(60.0)

        assert old.escalation is None
        assert old.counters()["requests"] == 0
