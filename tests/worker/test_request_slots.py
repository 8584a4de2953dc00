"""What a request leaves in its row."""

import gc

import pytest

from hookserve.worker.layout import BOUNDS, REQUEST_SLOT_SIZE
from hookserve.worker.request_slots import CLIENT_ERROR, SERVER_ERROR, RequestSlot
from hookserve.worker.scoreboard import Scoreboard


def run(request_slot, seconds, status_class=2, sent=1):
    request_slot.begin(100.0, b"GET /")
    request_slot.end(100.0 + seconds, status_class, sent)


@pytest.mark.parametrize("number", range(len(BOUNDS)))
def test_a_duration_that_equals_a_bound_is_in_its_bucket_and_more_in_the_next(number):
    slot = Scoreboard(1, 1).take()
    request_slot = slot.request_slot(0)
    bound = BOUNDS[number]
    for seconds in (bound, bound * 1.001, bound * 1.001):
        request_slot.begin(0.0, b"GET /")
        request_slot.end(seconds, 2, 0)

    buckets = slot.record().sums.buckets

    assert buckets[number : number + 2] == [1, 2]
    assert sum(buckets) == 3


def test_errors_are_counted_by_whose_they_are():
    slot = Scoreboard(1, 2).take()
    for number, status_class in enumerate((1, 2, 3, CLIENT_ERROR, SERVER_ERROR, SERVER_ERROR, 6)):
        run(slot.request_slot(number % 2), 0.25, status_class, sent=10)

    sums = slot.record().sums

    assert (sums.client_errors, sums.server_errors) == (1, 3)


def test_each_row_has_sums_of_its_own():
    slot = Scoreboard(1, 2).take()
    first, second = slot.request_slot(0), slot.request_slot(1)
    run(first, 0.25, sent=10)
    run(second, 0.5, sent=2**40)
    run(first, 0.25, sent=20)

    sums = slot.record().sums

    assert (sums.seconds, sums.bytes_sent, sum(sums.buckets)) == (1.0, 2**40 + 30, 3)


def test_a_row_of_its_own_memory_works_alike():
    request_slot = RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
    request_slot.begin(100.0, b"GET /")
    assert request_slot.is_running

    request_slot.end(160.0, SERVER_ERROR, 1)

    assert not request_slot.is_running
    assert request_slot.number == -1


def test_a_row_has_cells_of_the_buckets_alone_that_it_has_counted_in():
    request_slot = RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)

    def views():
        return sum(isinstance(each, memoryview) for each in gc.get_referents(request_slot))

    before = views()
    for seconds in (0.0, 0.0, 20.0, 20.0):
        run(request_slot, seconds)

    assert views() == before + 2
