"""The arbiter's policies, without an arbiter."""

from types import SimpleNamespace

import pytest

from hookserve.arbiter import handles
from hookserve.arbiter.handles import WorkerHandle
from hookserve.arbiter.policies import Backoff, Deadlines, ReplacementPlan
from hookserve.types import WorkerCounts
from hookserve.worker.scoreboard import Scoreboard


@pytest.fixture
def make_handle():
    made = []

    def make(state=handles.READY, generation=1, **settings):
        values = {"timeout": 30.0, "boot_timeout": 0.0, "request_timeout": 0.0, **settings}
        scoreboard = Scoreboard(1, 2)
        config = SimpleNamespace(**values)
        handle = WorkerHandle(0, generation, config, None, scoreboard.take(), scoreboard)
        handle.state = state
        made.append(handle)
        return handle

    yield make
    for handle in made:
        handle.close()


def test_the_first_failure_is_followed_by_a_worker_at_once_and_a_row_of_them_slowly():
    backoff = Backoff()

    pauses = [backoff.record_failure(0, 0.0, now=100.0) for _ in range(9)]

    assert pauses == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert backoff.due(0) == 130.0
    assert backoff.due(1) == 0.0


def test_a_worker_that_lived_ends_the_row():
    backoff = Backoff()
    for _ in range(5):
        backoff.record_failure(0, 0.0, now=0.0)

    assert backoff.record_failure(0, Backoff.LONG_LIVED, now=0.0) == 0.0


def test_silence_is_overdue(make_handle):
    handle = make_handle()
    handle.slot.heartbeat = 100.0
    deadlines = Deadlines()

    assert deadlines.due(handle, 120.0) == 130.0
    assert deadlines.fault(handle, 129.9) == ""
    assert deadlines.fault(handle, 131.0) == "silent for 31.0 s"


def test_a_late_arbiter_ignores_the_silence_before(make_handle):
    handle = make_handle()
    handle.slot.heartbeat = 100.0
    handle.ignore_silence_before = 500.0

    assert Deadlines().fault(handle, 501.0) == ""
    assert Deadlines().fault(handle, 531.0) == "silent for 31.0 s"


def test_without_timeouts_nothing_is_ever_due(make_handle):
    assert Deadlines().due(make_handle(timeout=0.0), 5.0) is None
    assert Deadlines().due(make_handle(handles.BOOTING), 5.0) is None


def test_a_slow_boot_is_overdue_by_its_own_timeout(make_handle):
    handle = make_handle(handles.BOOTING, boot_timeout=5.0)
    handle.forked_at = 100.0

    assert Deadlines().fault(handle, 104.0) == ""
    assert Deadlines().fault(handle, 106.0) == "not ready 6.0 s after its fork"


def test_a_long_request_is_overdue_although_the_worker_is_not_silent(make_handle):
    handle = make_handle(request_timeout=10.0)
    handle.slot.heartbeat = 199.0
    handle.slot.request_slot(0).begin(180.0, b"GET / HTTP/1.1\r\n")

    assert Deadlines().fault(handle, 189.0) == ""
    assert Deadlines().fault(handle, 200.0) == "a request has run for 20.0 s"


def test_a_draining_worker_has_its_own_deadline(make_handle):
    handle = make_handle()
    handle.state, handle.drain_deadline = handles.DRAINING, 50.0

    assert Deadlines().fault(handle, 49.0) == ""
    assert Deadlines().fault(handle, 50.0) == "did not finish its requests in time"


def counts(wanted=8, ready=8, booting=0, outdated=8, canary_ready=True):
    return WorkerCounts(wanted, ready, booting, outdated, canary_ready)


def test_one_canary_boots_before_the_others_whatever_the_strategy():
    for strategy in ("rolling", "surge"):
        plan = ReplacementPlan(strategy, max_surge=4, max_unavailable=4)

        assert plan.starts(counts(canary_ready=False)) == 1
        assert plan.starts(counts(canary_ready=False, booting=1)) == 0
        assert plan.retirements(counts(canary_ready=False)) == 0


def test_a_generation_whose_canary_is_ready_follows_as_the_strategy_says():
    assert ReplacementPlan("rolling", 2, 0).starts(counts()) == 2
    assert ReplacementPlan("rolling", 2, 0).starts(counts(booting=2)) == 0
    assert ReplacementPlan("surge", 2, 0).starts(counts()) == 8


def test_workers_may_be_missing_only_as_far_as_it_is_allowed():
    assert ReplacementPlan("rolling", 1, 0).retirements(counts()) == 0
    assert ReplacementPlan("rolling", 1, 2).retirements(counts()) == 2
    assert ReplacementPlan("rolling", 1, 2).retirements(counts(ready=7)) == 1
    assert ReplacementPlan("rolling", 1, 2).retirements(counts(ready=6)) == 0


@pytest.mark.parametrize("value", [float("inf"), 1e300, float("nan"), -1e300, 1e6])
def test_a_heartbeat_that_no_clock_gives_is_not_believed(make_handle, value):
    handle = make_handle()
    handle.ready_at = 100.0
    handle.slot.heartbeat = value
    deadlines = Deadlines()

    assert deadlines.due(handle, 120.0) == 130.0
    assert deadlines.fault(handle, 131.0) == "silent for 31.0 s"


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e300, -1e300, float("nan")])
def test_a_request_has_run_for_a_time_that_can_be(make_handle, value):
    handle = make_handle(request_timeout=5.0)
    handle.slot.request_slot(0).begin(value, b"GET /")

    (request,) = handle.slot.in_flight(120.0)

    assert 0.0 <= request.elapsed <= 120.0
