"""What the arbiter does around a fork, with children that are never forked."""

import errno
import gc
import logging
import os
import weakref

import pytest
from support.descriptors import open_descriptors
from support.fake_arbiter import FakeServer, make_assembly, serving

from hookserve import ScoreboardField, hookimpl
from hookserve.arbiter import child, forking
from hookserve.arbiter.handles import BOOTING
from hookserve.errors import HookError, PluginError
from hookserve.worker.channel import open_channel


class Refuses:
    """A plugin that lets no worker be forked."""

    def __init__(self):
        self.workers = []

    @hookimpl
    def pre_fork(self, worker):
        self.workers.append((worker.index, worker.pid, worker.state))
        raise ValueError("not now")


def free_slots(scoreboard):
    """How many slots can be taken; they are taken."""
    return sum(1 for _ in iter(scoreboard.take, None))


def fork_in_vain(factory, error=OSError, **expected):
    """A fork that raises; the slot and each descriptor are as before."""
    before = open_descriptors()
    with pytest.raises(error, **expected) as caught:
        factory.fork(1, ())
    assert open_descriptors() == before
    return caught.value


def cannot(*_, **__):
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_a_handle_is_of_the_current_generation_and_has_a_slot_of_its_own():
    with serving(workers=2) as server:
        first, second = server.arbiter.worker_table
        current = server.arbiter.current

        assert [first.index, second.index] == [0, 1]
        assert first.slot.number != second.slot.number
        assert first.generation == current.number
        assert first.config is current.config
        assert first.scoreboard is server.arbiter.pool.factory.scoreboard
        assert not first.cancels  # sync ends the worker when request_timeout has passed


def test_a_request_is_described_by_the_protocol_of_the_generation():
    with serving(workers=1) as server:
        slot = server.handle(0).slot
        protocol = server.arbiter.current.classes.protocol_class

        assert slot.describe == protocol.describe_request


def test_a_worker_is_given_what_its_generation_has():
    with serving(workers=1, user=os.getuid()) as server:
        arbiter, handle = server.arbiter, server.handle(0)
        arbiter.current = arbiter.current._replace(app=print)
        ours, theirs = open_channel()

        context = arbiter.pool.factory._context(handle, theirs, print)

        current = arbiter.current
        assert context.server == (arbiter.pid, current.config, arbiter.address, arbiter.log)
        assert (context.index, context.generation) == (0, 1)
        assert context.config is current.config
        assert context.host is current.assembly.host
        assert context.worker_type is current.classes.worker_type
        assert context.protocol_classes is current.classes.protocol_classes
        assert context.listeners is current.listeners
        assert (context.scoreboard, context.slot) == (handle.scoreboard, handle.slot)
        assert context.scoreboards == [handle.scoreboard]
        assert (context.channel, context.dump_fd) == (theirs, handle.dump_fd)
        assert context.app is print
        assert context.drop_privileges is print
        ours.close()
        theirs.close()


@pytest.mark.parametrize(
    ("module", "name"),
    [(child, "open_channel"), (forking, "WorkerHandle")],
    ids=["channel", "file of stacks"],
)
def test_a_worker_that_lacks_a_descriptor_takes_no_slot(monkeypatch, module, name):
    with serving(workers=1) as server:
        factory = server.arbiter.pool.factory
        monkeypatch.setattr(module, name, cannot)

        for _ in range(3):
            fork_in_vain(factory, match="Too many open files")

        assert free_slots(factory.scoreboard) == factory.scoreboard.slots - 1


def test_a_fork_that_fails_takes_nothing():
    with serving(workers=1) as server:
        factory = server.arbiter.pool.factory
        server.processes.forks_fail = True

        for _ in range(3):
            fork_in_vain(factory, match="Resource temporarily unavailable")

        assert free_slots(factory.scoreboard) == factory.scoreboard.slots - 1


def test_without_a_free_slot_there_is_no_further_worker(caplog):
    with serving(workers=1) as server:
        factory = server.arbiter.pool.factory
        free_slots(factory.scoreboard)
        before = open_descriptors()
        assert factory.fork(1, ()) is None
        assert open_descriptors() == before

        server.arbiter.set_wanted(3)
        for _ in range(5):
            server.turn(seconds=2)

        assert len(server.arbiter.worker_table) == 1
        (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
        assert record.getMessage() == (
            "worker 1 is forked when another has ended: no slot of the scoreboard is free"
        )
        assert server.arbiter.pool.due(server.clock.now) is None  # nothing is tried again
        server.end(server.handle(0))
        assert server.handle(0).state == BOOTING  # in the slot of the one that is gone


def test_before_any_worker_was_ready_a_pre_fork_hook_that_raises_stops_the_start():
    plugin = Refuses()

    with pytest.raises(HookError, match=r"raised in pre_fork: ValueError: not now"):
        FakeServer(workers=2, plugins=[plugin])

    assert plugin.workers == [(0, None, BOOTING)]


def test_a_pre_fork_hook_that_raises_takes_nothing():
    server = FakeServer(workers=1)
    factory = server.arbiter.pool.factory
    server.arbiter.messages.drain(server.handle(0))
    server.arbiter.release(server.handle(0))
    server.arbiter.current.assembly.host.register(Refuses(), "refuses")
    try:
        fork_in_vain(factory, HookError, match="not now")

        assert free_slots(factory.scoreboard) == factory.scoreboard.slots
    finally:
        server.close()


def test_once_workers_serve_a_pre_fork_hook_that_raises_is_logged_and_the_worker_is_forked(caplog):
    with serving(workers=1) as server:
        plugin = Refuses()
        server.arbiter.current.assembly.host.register(plugin, "refuses")

        server.arbiter.set_wanted(2)
        server.turn()

        assert server.handle(1).state == BOOTING
        assert plugin.workers == [(1, None, BOOTING)]
        assert "plugin 'refuses' raised in pre_fork: ValueError: not now" in caplog.text


@pytest.mark.parametrize(
    ("workers", "slots", "notifiable"), [(1, 64, 4), (16, 64, 34), (17, 68, 36), (40, 160, 64)]
)
def test_there_is_room_for_a_reload_and_for_more_workers(workers, slots, notifiable):
    with serving(workers=workers) as server:
        scoreboard = server.arbiter.pool.factory.scoreboard

        assert scoreboard.slots == slots
        assert len(scoreboard.wakeup_fds) == notifiable
        assert scoreboard.request_slots == server.arbiter.worker_capacity + 1


def reload(server, **settings):
    server.next_assembly = make_assembly(server.recorder, (), **settings)
    server.arbiter.current = server.arbiter.current._replace(assembly=server.next_assembly)
    server.arbiter.pool.factory.fit_scoreboard(settings["workers"])


@pytest.mark.parametrize(
    ("workers", "slots", "notifiable"), [(1, 64, 6), (31, 64, 6), (32, 128, 64), (100, 400, 64)]
)
def test_a_configuration_with_more_workers_gets_a_larger_scoreboard(workers, slots, notifiable):
    with serving(workers=2) as server:
        factory = server.arbiter.pool.factory
        old = factory.scoreboard

        reload(server, workers=workers)

        assert factory.scoreboard.slots == slots
        assert (factory.scoreboard is old) == (slots == old.slots)
        assert len(factory.scoreboard.wakeup_fds) == notifiable


def test_a_configuration_that_runs_more_requests_gets_a_larger_scoreboard():
    with serving(workers=1, worker_class="gthread", threads=2) as server:
        factory = server.arbiter.pool.factory
        old, handle = factory.scoreboard, server.handle(0)

        reload(server, workers=1, worker_class="gthread", threads=8)

        assert factory.scoreboard.request_slots == 9
        assert factory.scoreboard.slots == old.slots
        assert len(factory.scoreboard.wakeup_fds) == len(old.wakeup_fds)
        assert handle.scoreboard is old
        assert {each.scoreboard for each in server.arbiter.worker_table} == {old}


def test_an_older_scoreboard_goes_with_its_last_worker(caplog):
    caplog.set_level(logging.CRITICAL + 1, "hookserve")  # records would name the worker
    with serving(workers=1, worker_class="gthread", threads=2) as server:
        old = weakref.ref(server.arbiter.pool.factory.scoreboard)
        reload(server, workers=1, worker_class="gthread", threads=8)
        server.become_ready()
        (handle,) = [each for each in server.arbiter.worker_table if each.scoreboard is old()]
        server.end(handle)

        del handle
        gc.collect()

        assert old() is None


@pytest.mark.parametrize("threads", [2, 4])
def test_a_configuration_that_runs_no_more_requests_keeps_the_scoreboard(threads):
    with serving(workers=1, worker_class="gthread", threads=4) as server:
        factory = server.arbiter.pool.factory
        old = factory.scoreboard

        reload(server, workers=1, worker_class="gthread", threads=threads)

        assert factory.scoreboard is old
        assert {each.scoreboard for each in server.arbiter.worker_table} == {old}


def test_all_workers_are_notified_of_the_stop_those_of_an_older_scoreboard_too():
    with serving(workers=1, worker_class="gthread", threads=2) as server:
        factory = server.arbiter.pool.factory
        old = factory.scoreboard
        reload(server, workers=1, worker_class="gthread", threads=8)
        assert not old.is_stopping
        assert not factory.scoreboard.is_stopping

        factory.announce_stop()

        assert old.is_stopping
        assert factory.scoreboard.is_stopping


def test_a_scoreboard_that_is_made_while_the_server_stops_says_so():
    with serving(workers=1, worker_class="gthread", threads=2) as server:
        factory = server.arbiter.pool.factory
        factory.announce_drain_delay()

        reload(server, workers=1, worker_class="gthread", threads=8)

        assert factory.scoreboard.is_draining
        assert not factory.scoreboard.is_stopping


def test_a_scoreboard_that_cannot_grow_serves_on(monkeypatch, caplog):
    with serving(workers=1, worker_class="gthread", threads=2) as server:
        factory = server.arbiter.pool.factory
        old = factory.scoreboard
        monkeypatch.setattr(forking, "Scoreboard", cannot)

        reload(server, workers=1, worker_class="gthread", threads=8)

        assert factory.scoreboard is old
        assert {each.scoreboard for each in server.arbiter.worker_table} == {old}
        assert (
            "the scoreboard has room for 64 workers with 3 requests each, and cannot grow to 64"
            " with 9: Too many open files"
        ) in caplog.text


def test_a_scoreboard_that_cannot_grow_for_more_workers_says_for_how_many(monkeypatch, caplog):
    with serving(workers=1, worker_class="gthread", threads=2) as server:
        monkeypatch.setattr(forking, "Scoreboard", cannot)

        reload(server, workers=32, worker_class="gthread", threads=2)

        assert (
            "the scoreboard has room for 64 workers with 3 requests each, and cannot grow to 128"
            " with 3: Too many open files"
        ) in caplog.text


class Asks:
    """A plugin that asks for memory in the scoreboard."""

    def __init__(self, *fields):
        self.fields = fields

    @hookimpl
    def scoreboard_fields(self):
        return self.fields


def test_each_worker_has_the_memory_that_plugins_ask_for():
    with serving(
        2, [Asks(ScoreboardField("hits", "", "counter", words=2)), Asks(ScoreboardField("lag", ""))]
    ) as server:
        first, second = server.arbiter.worker_table
        first.slot.cells("hits")[1] = 5

        assert first.slot.record().fields == {"hits": [0, 5], "lag": [0]}
        assert second.slot.record().fields == {"hits": [0, 0], "lag": [0]}


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        (ScoreboardField("Loop-lag", ""), "lower-case letters"),
        (ScoreboardField("twice", ""), "another plugin"),
        (ScoreboardField("odd", "", "histogram"), "kind is 'histogram'"),
        (ScoreboardField("none", "", words=0), "0 words"),
        (ScoreboardField("many", "", words=10**9), "1000000000 words, 65536 are the most"),
    ],
)
def test_a_field_that_cannot_be_is_refused_naming_the_plugin(field, fault):
    with pytest.raises(
        PluginError, match=f"'plugin [01]': scoreboard field '{field.name}': .*{fault}"
    ):
        FakeServer(1, [Asks(ScoreboardField("twice", "")), Asks(field)])


def test_a_reload_brings_other_fields_and_keeps_what_is_counted(capsys):
    with serving(1, [Asks(ScoreboardField("hits", "", "counter"))]) as server:
        asks = Asks(ScoreboardField("more", "", "counter"), ScoreboardField("hits", "", "counter"))
        server.handle(0).slot.cells("hits")[0] = 3
        old = server.handle(0)
        server.next_assembly = make_assembly(server.recorder, [asks], workers=1)
        server.arbiter.reload()
        server.turn()
        server.become_ready()
        server.end(old)

        record = server.arbiter.publication.record
        assert list(record.field_total("hits")) == [3]
        assert server.handle(0).slot.record().fields == {"more": [0], "hits": [0]}

        broken = Asks(ScoreboardField("NO", ""))
        server.next_assembly = make_assembly(server.recorder, [broken], workers=1)
        server.arbiter.reload()

        assert "scoreboard field 'NO'" in capsys.readouterr().err
        assert list(server.arbiter.publication.record.field_total("hits")) == [3]


def test_what_a_plugin_watches_is_closed_in_forked_children():
    with serving(workers=1) as server:
        server.arbiter.watch(0, print)
        assert 0 in server.arbiter.own_descriptors()

        server.arbiter.unwatch(0)

        assert 0 not in server.arbiter.own_descriptors()
