"""What ended with a worker, in the log and as access records."""

import logging

import pytest

from hookserve.protocol.seam import Protocol
from hookserve.requests import RequestInFlight
from hookserve.worker.lost import log_lost, record_lost
from hookserve.worker.scoreboard import Scoreboard

REQUEST = RequestInFlight("GET /slow", 2.5, "id-1")
LOG = logging.getLogger("test")


@pytest.mark.parametrize(
    ("is_named", "expected"),
    [(False, ["lost with worker 0: GET /slow [id-1] (2.5 s)"]), (True, [])],
)
def test_requests_are_named_unless_a_report_has_named_them(caplog, is_named, expected):
    slot = Scoreboard(1, 4).take()
    slot.open_connections = 1

    log_lost(LOG, "worker 0", slot, [REQUEST], is_named)

    assert caplog.messages == expected


def test_responses_and_other_connections_are_counted(caplog):
    slot = Scoreboard(1, 4).take()
    slot.open_connections, slot.held_cell[()], slot.lingering = 5, 1, 2

    log_lost(LOG, "worker 0", slot, [REQUEST], is_named=True)

    assert caplog.messages == [
        "lost with worker 0: 1 response, complete and not sent",
        "closed with worker 0: 1 connection without a request that had begun",
    ]


class Recorded(Protocol):
    """Makes records of some requests."""

    @classmethod
    def lost_request_record(cls, request, reason, now):
        return (request.label, reason, now) if request is REQUEST else None


def test_the_protocol_says_which_requests_have_a_record():
    records = []

    record_lost([REQUEST, RequestInFlight("PING", 1.0)], [records.append], Recorded, "killed", 9.0)

    assert records == [("GET /slow", "killed", 9.0)]
