"""When a server is ready, live and started."""

import os
from types import SimpleNamespace

import pytest
from hookserve_health.condition import Condition
from hookserve_health.plugin import is_replaced
from hookserve_health.shared_state import SharedState

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.worker.reading import Reading, WorkerReading

NOW = 1000.0


def worker(state="ready", silent=0.0, busy=0, capacity=1):
    """A worker as a reader sees it."""
    blank = dict.fromkeys(WorkerReading._fields, 0)
    changed = {
        "state": state,
        "heartbeat": NOW - silent,
        "ready_at": 0.0 if state == "booting" else 1.0,
        "busy": busy,
        "capacity": capacity,
    }
    return WorkerReading(**{**blank, **changed})


def condition(*workers, state=None, is_draining=False, is_stopping=False, **settings):
    """That of a server that reads as given."""
    config = resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])
    blank = dict.fromkeys(Reading._fields, 0)
    found = Reading(**blank)._replace(
        now=NOW, workers=workers, is_draining=is_draining, is_stopping=is_stopping
    )
    return Condition(config, state or SharedState(), lambda: found)


def test_one_worker_that_is_ready_is_enough_unless_more_are_asked_for():
    assert condition(worker(), worker("booting")).ready() == (True, "ready")
    verdict = condition(worker(), worker("booting"), health_min_workers=2).ready()
    assert verdict == (False, "1 of 2 workers ready")


@pytest.mark.parametrize("state", ["booting", "draining"])
def test_a_worker_that_does_not_accept_does_not_count(state):
    assert condition(worker(state)).ready() == (False, "0 of 1 worker ready")


@pytest.mark.parametrize(("wanted", "holds"), [(2, True), (1, False)])
def test_a_retired_worker_counts_those_that_have_replaced_it_and_the_others(wanted, holds):
    config = resolve(
        declare_settings(load_plugins([], {})), [SettingsSource("test", {"health_min_workers": 2})]
    )
    blank = dict.fromkeys(Reading._fields, 0)
    old = [worker("draining")]
    found = Reading(**{**blank, "now": NOW, "workers": old, "wanted": wanted, "generation": 2})

    of_old = Condition(config, SharedState(), lambda: found, lambda read: read is found)

    assert of_old.ready().holds is holds
    assert not Condition(config, SharedState(), lambda: found).ready().holds


@pytest.mark.parametrize(
    ("generation", "alive", "state", "expected"),
    [
        (2, True, "ready", False),
        (2, False, "ready", True),
        (2, True, "draining", True),  # the arbiter wants fewer, which it has not read yet
        (1, False, "draining", False),
    ],
)
def test_a_worker_is_replaced_by_its_own_word_or_by_the_scoreboards(
    generation, alive, state, expected
):
    blank = dict.fromkeys(Reading._fields, 0)
    own = worker(state)._replace(pid=7)
    found = Reading(**{**blank, "workers": [own, worker()], "generation": generation})
    answering = SimpleNamespace(pid=7, alive=alive, context=SimpleNamespace(generation=1))

    assert is_replaced(answering, found) is expected


def test_a_worker_that_is_silent_for_longer_than_its_timeout_does_not_count():
    assert condition(worker(silent=29), timeout=30).ready().holds
    assert not condition(worker(silent=31), timeout=30).ready().holds
    assert condition(worker(silent=3000), timeout=0).ready().holds


def test_a_server_that_stops_is_draining_unless_its_successor_serves():
    state = SharedState()
    stopping = condition(worker(), is_draining=True, state=state)
    assert stopping.ready() == (False, "draining")

    state.successor_serves = True

    assert stopping.ready().holds


def test_the_checks_have_to_have_passed():
    state = SharedState()
    checked = condition(worker(), state=state, health_check="shop:db,shop:cache")
    assert checked.ready() == (False, "not checked yet")
    state.record(1, NOW)
    assert checked.ready() == (False, "check failed: shop:cache")
    state.record(None, NOW)
    assert checked.ready().holds


def test_a_result_that_is_late_does_not_count():
    state = SharedState()
    checked = condition(worker(), state=state, health_check="shop:db,shop:cache")
    state.record(None, NOW - 0.1)
    assert checked.ready() == (False, "checks late")
    state.running = 1
    assert checked.ready() == (False, "check late: shop:cache")


@pytest.mark.process
@pytest.mark.parametrize("is_checked", [False, True])
def test_a_process_of_the_checks_that_is_gone_is_the_reason(is_checked):
    state = SharedState()
    checked = condition(worker(), state=state, health_check="shop:db")
    pid = os.fork()
    if pid == 0:
        state.begin(NOW)
        os._exit(0)
    os.waitpid(pid, 0)
    if is_checked:
        state.record(None, NOW - 0.1)

    assert checked.ready() == (False, "the process of the checks has ended")


def test_a_check_that_ended_its_process_has_failed():
    state = SharedState()
    state.running = 0
    state.begin(NOW)
    verdict = condition(worker(), state=state, health_check="shop:db").ready()
    assert verdict == (False, "check failed: shop:db, its process has ended")


def test_a_result_of_other_checks_holds_until_those_of_a_reload_have_run():
    state = SharedState()
    state.record(2, NOW)

    fewer = condition(worker(), state=state, health_check="shop:db")

    assert fewer.ready() == (False, "check failed: of the code before")


def test_a_server_has_started_once_it_was_ready():
    state = SharedState()
    checked = condition(worker(), state=state, health_check="shop:db")
    assert checked.startup() == (False, "starting: not checked yet")
    state.record(None, NOW)
    assert checked.startup().holds

    state.record(0, NOW)

    assert checked.startup() == (True, "started")


@pytest.mark.parametrize("question", ["ready", "startup", "agent"])
def test_a_server_has_started_in_each_of_its_processes(question):
    state = SharedState()
    getattr(condition(worker(), state=state), question)()

    assert condition(worker("booting"), state=state).startup() == (True, "started")


def test_a_server_that_stops_before_it_was_ready_is_not_asked_to_start():
    state = SharedState()
    stopping = condition(worker("booting"), is_draining=True, state=state)
    assert stopping.startup().holds
    assert not state.has_started


def test_a_server_is_live_while_its_workers_hang_and_are_being_ended():
    limits = {"timeout": 30, "abort_timeout": 2}
    assert condition(worker(silent=40), **limits).live().holds
    assert condition(**limits).live().holds


def test_a_server_whose_hung_workers_are_not_ended_is_not_live():
    verdict = condition(worker(silent=48), timeout=30, abort_timeout=2).live()
    assert verdict == (False, "a worker that hangs is not ended")
    assert condition(worker(silent=1e6), timeout=0).live().holds


@pytest.mark.parametrize(
    ("workers", "line"),
    [
        ([worker(busy=1, capacity=4), worker(busy=0, capacity=4)], "up ready 88%\n"),
        ([worker(busy=4, capacity=4), worker("booting")], "up ready 1%\n"),
        ([worker("booting")], "down #0 of 1 worker ready\n"),
    ],
)
def test_the_agent_says_how_many_places_are_free(workers, line):
    assert condition(*workers).agent() == line


def test_the_agent_says_that_the_server_drains_once_half_of_the_drain_delay_is_over():
    found = condition(worker(), is_draining=True, drain_delay=8)
    reading = found._read()

    lines = []
    for seconds in (0, 3.9, 4):
        found._read = lambda seconds=seconds: reading._replace(now=NOW + seconds)
        lines.append(found.agent())

    assert lines == ["up ready 1%\n", "up ready 1%\n", "drain\n"]


def test_the_agent_says_at_once_that_a_server_drains_that_accepts_no_more():
    assert condition(worker(), is_draining=True).agent() == "drain\n"
    stopping = condition(worker(), is_draining=True, is_stopping=True, drain_delay=8)
    assert stopping.agent() == "drain\n"
