"""Requests that have waited too long."""

from types import SimpleNamespace

import pytest
import support.corpus_driver as driver
from hookserve_http.saturation import seconds_since

from hookserve.protocol.seam import CLOSING, IDLE, READY
from hookserve.testing import fakes
from hookserve.worker.scoreboard import Scoreboard

NOW = 1_700_000_100.0
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


class Transport(fakes.MemoryTransport):
    """Whose client has sent its last bytes a while ago."""

    age = 0.0

    def waited(self):
        return self.age


class Site:
    """A protocol, one connection of it, and what the application has seen."""

    def __init__(self, limit=2.0, peer="192.0.2.1", **settings):
        self.ran = []
        self.now = 1000.0
        protocol = driver.make_protocol(self.application, True, queue_timeout=limit, **settings)
        self.worker = protocol.worker
        self.slot = Scoreboard(1, 2).take()
        self.worker.context = SimpleNamespace(slot=self.slot)
        self.worker.wall_clock = lambda: NOW
        if limit:
            protocol.saturation.clock = lambda: self.now
        self.connection = protocol.connect((peer, 4000))
        self.transport = Transport()

    def application(self, environ, start_response):
        self.ran.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def ask(self, data=GET, age=0.0):
        """The state after a request that has waited that long."""
        self.transport.age, self.transport.sent = age, b""
        assert self.connection.feed(data) == READY
        return self.connection.run(self.transport)


def test_a_request_that_has_waited_too_long_is_refused_before_the_application():
    site = Site(limit=2.5)

    assert site.ask(age=2.6) == CLOSING

    head = site.transport.sent
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 3\r\n" in head
    assert b"\r\nConnection: close\r\n" in head
    assert site.ran == []
    assert site.slot.counters()["saturated"] == 1


def test_a_request_that_is_refused_for_its_wait_is_in_no_other_counter():
    """Its quick 503 would be the median of a server that is too slow."""
    site = Site()

    site.ask(age=9.0)

    assert site.worker.ended == []
    assert site.slot.counters()["saturated"] == 1
    assert site.worker.has_worked  # what it has logged is written when the worker is idle


def test_a_request_that_has_not_waited_too_long_is_served():
    site = Site(limit=2.5)

    assert site.ask(age=2.5) == IDLE
    assert site.ran == ["/"]
    assert site.slot.counters()["saturated"] == 0


def test_a_refused_request_is_in_the_access_log_with_its_reason():
    site = Site()
    records = []
    site.connection.endpoint.log_access = (records.append,)
    site.ask(age=9.0)

    assert (records[0].status_code, records[0].reason) == (
        503,
        "it has waited 9.0 s (queue_timeout)",
    )


def test_the_time_of_the_request_before_it_does_not_count():
    """A client that sends the next request while the first one runs waits for itself."""
    site = Site()
    assert site.ask(age=0.0) == IDLE
    site.now += 1.0

    assert site.ask(age=30.0) == IDLE
    assert site.ran == ["/", "/"]


def shake_hands(site, *ages):
    """Send the parts of a handshake, which have waited that long."""
    for age in ages:
        site.transport.age = age
        site.connection.note_wait(site.transport)
        site.now += 1.0  # the client's time


def test_what_a_handshake_has_waited_counts_for_the_first_request_alone():
    site = Site(limit=2.5)
    shake_hands(site, 1.0, 0.9)
    assert site.ask(age=0.5) == IDLE
    assert site.ask(age=2.5) == IDLE

    site = Site(limit=2.5)
    shake_hands(site, 1.0, 0.9)
    assert site.ask(age=0.7) == CLOSING
    assert site.ran == []


def test_a_moment_of_a_handshake_counts_once():
    """Its last part and the request have come together, and the server has read both late."""
    site = Site(limit=2.5)
    shake_hands(site, 2.0)
    site.now -= 0.9

    assert site.ask(age=2.1) == IDLE


def test_a_client_that_has_connected_ahead_of_its_request_has_not_waited_with_the_handshake():
    site = Site(limit=2.5)
    shake_hands(site, 9.0)
    site.now += 5.0

    assert site.ask(age=0.1) == IDLE
    assert site.ran == ["/"]


@pytest.mark.parametrize(
    ("peer", "written", "state"),
    [
        ("127.0.0.1", b"t=1700000095.500", CLOSING),
        ("127.0.0.1", b"1700000095500", CLOSING),
        ("127.0.0.1", b"t=1700000095500000", CLOSING),
        ("127.0.0.1", b"t=1700000099.500", IDLE),
        ("127.0.0.1", b"soon", IDLE),
        ("192.0.2.1", b"t=1700000095.500", IDLE),
    ],
)
def test_a_trusted_proxy_says_since_when_a_request_waits(peer, written, state):
    site = Site(peer=peer)

    assert site.ask(GET[:-2] + b"X-Request-Start: " + written + b"\r\n\r\n") == state


@pytest.mark.parametrize("moment", ["t=1", "1800000000", "nan", "inf", "", "t=", "-5"])
def test_a_moment_that_makes_no_sense_is_ignored(moment):
    assert seconds_since(moment, NOW) == 0.0


def test_the_warning_is_not_repeated_for_each_request(caplog):
    site = Site()
    log = site.worker.log
    log.setLevel("WARNING")
    log.addHandler(caplog.handler)
    for _ in range(3):
        site.connection = site.connection.endpoint.connect(("192.0.2.1", 4000))
        site.ask(age=9.0)

    assert [each.getMessage()[:9] for each in caplog.records] == ["saturated"]
    assert site.slot.counters()["saturated"] == 3


def test_a_wait_in_the_proxy_has_a_warning_of_its_own(caplog):
    site = Site(peer="127.0.0.1")
    site.worker.log.setLevel("WARNING")
    site.worker.log.addHandler(caplog.handler)
    start = GET[:-2] + b"X-Request-Start: t=1700000091\r\n\r\n"
    for data, age in ((GET, 8.0), (start, 0.0), (start, 8.0), (start, 0.0)):
        site.connection = site.connection.endpoint.connect(("127.0.0.1", 4000))
        assert site.ask(data, age) == CLOSING

    at_the_socket, in_the_proxy = [each.getMessage() for each in caplog.records]
    assert "has waited 8.0 s at its socket, longer" in at_the_socket
    assert "has waited 9.0 s since X-Request-Start, longer" in in_the_proxy


def test_without_the_setting_there_is_nothing_to_ask():
    site = Site(limit=0.0)
    site.transport.waited = None

    assert site.ask() == IDLE
    assert type(site.connection) is type(site.connection.endpoint).connection_type
