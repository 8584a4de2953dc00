"""What a request leaves in its row."""

import pytest

from hookserve.worker import request_slots
from hookserve.worker.layout import BOUNDS, REQUEST_SLOT_SIZE
from hookserve.worker.request_slots import CLIENT_ERROR, SERVER_ERROR, RequestSlot
from hookserve.worker.scoreboard import Scoreboard


@pytest.fixture
def clock(monkeypatch):
    moments = [100.0]
    monkeypatch.setattr(request_slots, "monotonic", lambda: moments[0])
    return moments


def run(request_slot, clock, seconds, status_class=2, sent=1):
    clock[0] = 100.0 + seconds
    request_slot.begin(100.0, b"GET /")
    request_slot.end(status_class, sent)


@pytest.mark.parametrize("number", range(len(BOUNDS)))
def test_a_duration_that_equals_a_bound_is_in_its_bucket_and_more_in_the_next(clock, number):
    slot = Scoreboard(1, 1).take()
    request_slot = slot.request_slot(0)
    bound = BOUNDS[number]
    request_slot.begin(0.0, b"GET /")
    clock[0] = bound
    request_slot.end(2, 0)
    request_slot.begin(0.0, b"GET /")
    clock[0] = bound * 1.001
    request_slot.end(2, 0)

    buckets = slot.record().sums.buckets

    assert buckets[number : number + 2] == [1, 1]
    assert sum(buckets) == 2


def test_errors_are_counted_by_whose_they_are(clock):
    slot = Scoreboard(1, 2).take()
    for number, status_class in enumerate((1, 2, 3, CLIENT_ERROR, SERVER_ERROR, SERVER_ERROR, 6)):
        run(slot.request_slot(number % 2), clock, 0.25, status_class, sent=10)

    sums = slot.record().sums

    assert (sums.client_errors, sums.server_errors) == (1, 3)


def test_a_row_of_its_own_memory_works_alike(clock):
    request_slot = RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)

    run(request_slot, clock, 60.0, SERVER_ERROR)

    assert not request_slot.is_running
    assert request_slot.number == -1


def test_the_end_of_a_request_is_a_moment_that_others_count_from(clock):
    request_slot = RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
    request_slot.begin(100.0, b"GET /")
    clock[0] = 107.5

    assert request_slot.end(2, 0) == 107.5
