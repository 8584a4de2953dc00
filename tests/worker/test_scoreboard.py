"""What one process writes, another reads."""

import os
import time

import pytest

from hookserve.errors import ConfigError
from hookserve.worker.layout import LABEL_SIZE
from hookserve.worker.request_slots import CLIENT_ERROR, SERVER_ERROR
from hookserve.worker.scoreboard import READY, Scoreboard


@pytest.mark.process
def test_another_process_reads_what_a_worker_wrote():
    scoreboard = Scoreboard(4, 2)
    slot = scoreboard.take()
    pid = os.fork()
    if pid == 0:
        slot.state = READY
        slot.heartbeat = 12.5
        request_slot = slot.request_slot(0)
        request_slot.begin(100.0, b"GET /x", b"a-name")
        os._exit(0)
    os.waitpid(pid, 0)

    requests = slot.in_flight(now=103.0)

    assert slot.state == READY
    assert slot.heartbeat == 12.5
    assert list(map(str, requests)) == ["GET /x [a-name] (3.0 s)"]


def test_a_finished_request_is_counted_and_gone():
    slot = Scoreboard(1, 2).take()
    first, second = slot.request_slot(0), slot.request_slot(1)
    results = (first, 2), (second, CLIENT_ERROR), (first, SERVER_ERROR), (first, 2)
    for request_slot, status_class in results:
        request_slot.begin(time.monotonic(), b"GET /")
        request_slot.end(time.monotonic(), status_class, 10)

    counters = slot.counters()

    assert slot.in_flight() == []
    assert counters["requests"] == 4
    assert counters["bytes_sent"] == 40
    assert counters["client_errors"] == 1
    assert counters["server_errors"] == 1


def test_requests_in_flight_are_listed_oldest_first():
    slot = Scoreboard(1, 3).take()
    for number, began in enumerate((3.0, 1.0, 2.0)):
        slot.request_slot(number).begin(began, b"GET /%d" % number)

    assert [each.label for each in slot.in_flight(now=4.0)] == ["GET /1", "GET /2", "GET /0"]


def test_a_label_is_cut_and_safe_to_print():
    slot = Scoreboard(1, 1).take()
    slot.request_slot(0).begin(1.0, b"GET /\x1b[31m" + b"a" * 500 + b"")

    label = slot.in_flight()[0].label

    assert label.startswith("GET /?[31maaa")
    assert len(label) <= LABEL_SIZE


def test_a_short_label_leaves_nothing_of_a_longer_one():
    slot = Scoreboard(1, 1).take()
    slot.request_slot(0).begin(1.0, b"GET /a/long/target")
    slot.request_slot(0).begin(1.0, b"PING")

    assert slot.in_flight()[0].label == "PING"


def test_a_request_beyond_the_table_is_served_and_not_listed():
    slot = Scoreboard(1, 1).take()
    request_slot = slot.request_slot(5)

    request_slot.begin(1.0, b"GET /")

    assert slot.in_flight() == []
    assert request_slot.began == 1.0


def test_a_slot_is_cleared_for_the_next_worker():
    scoreboard = Scoreboard(1, 1)
    slot = scoreboard.take()
    slot.request_slot(0).begin(1.0, b"GET /")
    slot.accepted = 7
    assert scoreboard.take() is None

    scoreboard.give_back(slot)
    again = scoreboard.take()

    assert again.in_flight() == []
    assert again.counters()["accepted"] == 0


def test_every_worker_sees_that_the_server_stops():
    scoreboard = Scoreboard(1, 1)
    assert not scoreboard.is_stopping

    scoreboard.announce_stop()

    assert scoreboard.is_stopping


def test_a_protocol_says_how_a_request_is_shown():
    slot = Scoreboard(1, 1).take()
    slot.request_slot(0).begin(1.0, b"GET /x HTTP/1.1\r\nHost: h\r\n")
    assert slot.in_flight()[0].label == "GET /x HTTP/1.1"

    slot.describe = lambda label: f"{len(label)} bytes"

    assert slot.in_flight()[0].label == f"{LABEL_SIZE} bytes"


def test_a_scoreboard_that_is_gone_holds_no_descriptor():
    scoreboard = Scoreboard(2, 1, notifiable=2)
    descriptors = [scoreboard.fd, *scoreboard.wakeup_fds]
    slot = scoreboard.take()

    del scoreboard

    slot.state = READY
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_memory_that_there_is_not_is_one_line():
    with pytest.raises(ConfigError, match=r"^no memory for the scoreboard, .*lower workers"):
        Scoreboard(1 << 40, 1000)
