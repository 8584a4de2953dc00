"""What plugins see of the arbiter, asked of the arbiter itself."""

import inspect
import signal

import pytest
from support.fake_arbiter import serving

from hookserve import hookimpl, server
from hookserve.arbiter.handles import BOOTING, DRAINING, READY, WorkerHandle


def members(protocol):
    return [name for name in vars(protocol) if not name.startswith("_")]


@pytest.fixture
def running():
    with serving(workers=2) as made:
        yield made


@pytest.mark.parametrize(
    ("protocol", "find"),
    [
        (server.Server, lambda running: running.arbiter),
        (server.WorkerInfo, lambda running: running.handle(0)),
        (server.UpgradeState, lambda running: running.arbiter.upgrade),
    ],
)
def test_the_arbiter_has_each_member_and_methods_are_called_alike(running, protocol, find):
    found = find(running)

    for name in members(protocol):
        declared = vars(protocol)[name]
        value = getattr(found, name)
        assert callable(value) is not isinstance(declared, property), name
        if not isinstance(declared, property):
            _, *parameters = inspect.signature(declared).parameters
            assert list(inspect.signature(value).parameters) == parameters, name


def test_everything_that_is_public_says_what_it_means():
    for protocol in (server.Server, server.WorkerInfo, server.UpgradeState):
        assert all(inspect.getdoc(vars(protocol)[name]) for name in members(protocol))


def test_a_server_describes_itself(running):
    arbiter = running.arbiter

    assert arbiter.config.workers == 2
    assert (arbiter.num_workers, arbiter.worker_capacity, arbiter.generation) == (2, 1, 1)
    assert arbiter.address == ("127.0.0.1:8000",)
    assert [each.address for each in arbiter.listeners] == ["127.0.0.1:8000"]
    assert arbiter.has_been_ready
    assert not arbiter.is_stopping
    assert (arbiter.upgrade.successor, arbiter.upgrade.predecessor) == (None, None)
    assert not arbiter.upgrade.successor_serves


def test_the_workers_are_those_whose_processes_exist(running):
    first, second = running.arbiter.workers
    assert [each.state for each in (first, second)] == [READY, READY]
    assert first.ready_at == running.clock.now
    assert first.recycle_reason == ""
    assert first.reason is None

    running.end(first, status=9)

    assert first not in running.arbiter.workers
    assert second in running.arbiter.workers
    assert first.state == "gone"
    assert str(first.reason) == "killed (SIGKILL)"


def test_the_sums_have_the_workers_that_are_gone_too(running):
    first, second = running.arbiter.workers
    first.slot.accepted, second.slot.accepted = 3, 4

    running.end(first, status=9)

    assert second.counters()["accepted"] == 4
    assert running.arbiter.stats()["accepted"] == 7


def test_a_plugin_changes_how_many_workers_are_wanted(running, caplog):
    caplog.set_level("INFO")
    running.arbiter.set_wanted(3)
    assert "3 workers wanted, not 2, asked by a plugin" in caplog.messages
    assert running.arbiter.scoreboards[0].server.wanted == 3  # who has asked may look
    running.turn()
    assert len(running.arbiter.workers) == 3

    running.arbiter.set_wanted(3)  # as it is: no hook is called
    assert running.recorder.named("nworkers_changed") == [(3, 2)]


def test_fewer_workers_than_none_cannot_be_wanted(running):
    with pytest.raises(ValueError, match="expected 0 or more workers, not -1"):
        running.arbiter.set_wanted(-1)

    assert running.arbiter.num_workers == 2


def test_a_plugin_has_a_worker_replaced_that_is_ready(running):
    worker = running.handle(0)
    running.arbiter.recycle(worker, "it has grown")
    running.turn()
    replacement = running.handle(0)

    running.arbiter.recycle(replacement, "it boots: nothing happens")

    assert worker.recycle_reason == "it has grown"
    assert worker.state == READY  # until the other is
    assert (replacement.state, replacement.recycle_reason) == (BOOTING, "")
    running.become_ready()
    assert worker.state == DRAINING


def test_a_plugin_stops_the_server_gracefully(running):
    running.arbiter.stop()

    assert running.arbiter.is_stopping
    assert [running.processes.sent_to(each.pid) for each in running.arbiter.workers] == [
        ["SIGTERM"],
        ["SIGTERM"],
    ]
    running.arbiter.set_wanted(5)
    assert running.arbiter.num_workers == 2


def test_a_plugin_has_the_logs_reopened_everywhere():
    class Log:
        reopened = 0

        @hookimpl
        def reopen_logs(self):
            self.reopened += 1

    log = Log()
    with serving(workers=1, plugins=[log]) as running:
        running.arbiter.reopen_logs()

        assert log.reopened == 1
        assert running.processes.sent_to(running.handle(0).pid) == ["SIGUSR1"]


def test_a_signal_to_a_worker_is_sent_to_its_process(running):
    worker: WorkerHandle = running.handle(1)

    worker.signal(signal.SIGUSR1)

    assert running.processes.sent_to(worker.pid) == ["SIGUSR1"]
    assert running.processes.sent_to(running.handle(0).pid) == []
