"""The numbers of a worker, read at once."""

from hookserve.types import ScoreboardField
from hookserve.worker.layout import BOUNDS, BUCKETS, ROW
from hookserve.worker.request_slots import SERVER_ERROR
from hookserve.worker.scoreboard import READY, Scoreboard
from hookserve.worker.slot_record import words_of

FIELDS = (
    ScoreboardField("hits", "", "counter", words=2),
    ScoreboardField("lag_seconds", "", is_real=True),
)


def test_each_field_of_the_worker_has_its_own_kind():
    slot = Scoreboard(2, 3, fields=FIELDS).take()
    slot.state, slot.pid, slot.capacity = READY, 2**40, 4
    slot.heartbeat, slot.forked_at, slot.ready_at = 12.5, 10.25, 11.0
    slot.cells("hits")[1], slot.cells("lag_seconds")[0] = 2**63, 0.75

    record = slot.record()

    assert words_of("state", "pid", "capacity")(record.words) == (READY, 2**40, 4)
    moments = words_of("heartbeat", "forked_at", "ready_at")(record.words)
    assert moments == (12.5, 10.25, 11.0)
    assert record.fields == {"hits": [0, 2**63], "lag_seconds": [0.75]}


def test_sums_are_over_all_request_slots():
    slot = Scoreboard(1, 3, fields=FIELDS).take()
    for number in (2, 0):
        request_slot = slot.request_slot(number)
        for seconds, sent in ((20.0, 1), (40.0, 3)):
            request_slot.begin(1.0, b"x" * 200, b"y" * 200)
            request_slot.end(1.0 + seconds, SERVER_ERROR, sent)

    record = slot.record()

    assert record.sums.buckets == [0] * len(BOUNDS) + [4]
    assert record.sums.seconds == 120.0
    assert (record.sums.bytes_sent, record.sums.client_errors, record.sums.server_errors) == (
        8,
        0,
        4,
    )
    assert (record.counters["requests"], record.busy) == (4, 0)


def test_requests_in_flight_are_busy_and_counted_when_they_have_ended():
    slot = Scoreboard(1, 3).take()
    for number in range(2):
        slot.request_slot(number).begin(1.0, b"GET /", b"an-id")

    record = slot.record()

    assert (record.busy, record.counters["requests"]) == (2, 0)


def test_a_worker_that_has_had_no_request_has_no_row():
    record = Scoreboard(1, 3).take().record()

    assert (record.busy, record.sums.buckets) == (0, [0] * BUCKETS)
    assert len(ROW) == 5 + BUCKETS
