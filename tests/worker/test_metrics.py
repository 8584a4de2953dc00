"""The scoreboard's numbers as metrics."""

import time

import pytest

from hookserve.listeners.queues import AcceptQueue
from hookserve.worker.layout import BOUNDS
from hookserve.worker.metrics import COUNTER, GAUGE, HISTOGRAM, REQUEST_DURATION, server_metrics
from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import BOOTING, DRAINING, READY, Scoreboard

NAMES = ("active", "capacity", "draining")


@pytest.fixture
def scoreboard():
    made = Scoreboard(2, 2)
    slot = made.take()
    slot.index, slot.pid, slot.forked_at = 0, 7, 1.0
    slot.capacity, slot.state = 2, READY
    request = slot.request_slot(0)
    for status, seconds in ((2, 0.001), (4, 0.03), (5, 0.03)):
        request.begin(0.0, b"GET /")
        request.end(seconds, status, 10)
    slot.request_slot(1).begin(time.monotonic(), b"GET /slow")
    return made


def metrics_of(scoreboard, queues=()):
    return {each.name: each for each in server_metrics(Reader([scoreboard]).read(), queues)}


def test_durations_are_a_histogram_with_the_conventions_bounds(scoreboard):
    metric = metrics_of(scoreboard)[REQUEST_DURATION]

    assert (metric.kind, metric.unit) == (HISTOGRAM, "s")
    ((attributes, durations),) = metric.samples
    assert not attributes
    assert durations.bounds == BOUNDS
    assert durations.counts[0] == 1
    assert durations.counts[BOUNDS.index(0.05)] == 2
    assert sum(durations.counts) == 3
    assert durations.total == pytest.approx(0.061, abs=0.02)


def test_each_number_has_its_name_and_attributes(scoreboard):
    found = metrics_of(scoreboard, [AcceptQueue("127.0.0.1:8000", 3, 128)])

    def values(name):
        return {tuple(each.attributes.values()): each.value for each in found[name].samples}

    assert values("hookserve.requests.active") == {(): 1}
    assert values("hookserve.requests.capacity") == {(): 2}
    assert values("hookserve.requests.errors") == {("client",): 1, ("server",): 1}
    assert values("hookserve.response.io") == {(): 30}
    assert values("hookserve.workers") == {("booting",): 0, ("ready",): 1, ("draining",): 0}
    assert values("hookserve.listener.queue") == {("127.0.0.1:8000",): 3}
    assert values("hookserve.worker.exits")[("killed",)] == 0


@pytest.mark.parametrize(
    ("state", "capacity", "draining"), [(BOOTING, 2, 0), (READY, 5, 0), (DRAINING, 2, 1)]
)
def test_workers_that_do_not_accept_have_no_places(scoreboard, state, capacity, draining):
    slot = scoreboard.take()
    slot.index, slot.pid, slot.forked_at = 1, 8, 1.0
    slot.capacity, slot.state = 3, state
    if state != BOOTING:
        slot.request_slot(0).begin(time.monotonic(), b"GET /slow")

    found = metrics_of(scoreboard)

    values = {name: found[f"hookserve.requests.{name}"].samples[0].value for name in NAMES}
    active = 1 if state == BOOTING else 2
    assert values == {"active": active, "capacity": capacity, "draining": draining}


def test_names_are_unique_and_kinds_known(scoreboard):
    metrics = server_metrics(Reader([scoreboard]).read())

    assert len({each.name for each in metrics}) == len(metrics)
    assert {each.kind for each in metrics} == {COUNTER, GAUGE, HISTOGRAM}
    assert all(each.description.endswith(".") and each.unit for each in metrics)
