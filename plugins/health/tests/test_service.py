"""The process that answers, within the test's own."""

import socket
from math import inf

import pytest
from hookserve_health import service as service_module
from hookserve_health.condition import Verdict
from hookserve_health.conversation import Responder
from hookserve_health.service import Service
from support.descriptors import open_descriptors
from support.terminations import ServerState

from hookserve.listeners.address import parse_address
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listeners

GET = b"GET /-/ready HTTP/1.1\r\n\r\n"


class Site:
    """A service, and its clients."""

    def __init__(self):
        listeners = open_listeners([parse_address("127.0.0.1:0")] * 1, ListenerOptions())
        self.listener = listeners[0]
        self.server = ServerState()
        self.now = 100.0
        self.termination = self.server.termination(lambda: self.now)
        respond = Responder({"/-/ready": lambda: Verdict(True, "ready")})
        self.service = Service({self.listener: respond}, self.termination, lambda: self.now)

    def connect(self, data=b""):
        client = socket.create_connection(self.listener.socket.getsockname())
        client.settimeout(10)
        client.sendall(data)
        return client

    def turn(self, times=3):
        for _ in range(times):
            self.service.turn(0.05)

    def close(self):
        for client in list(self.service._clients.values()):
            self.service._close(client)
        self.listener.close()
        for end in (self.service._wakeup._read, self.service._wakeup._write):
            service_module.close(end)


@pytest.fixture
def site():
    before = open_descriptors()
    site = Site()
    yield site
    site.close()
    assert open_descriptors() == before


def test_a_check_is_answered_and_its_connection_closed(site):
    with site.connect(GET) as client:
        site.turn()
        received = client.recv(4096)
        assert received.endswith(b"ready\n")
        assert client.recv(1) == b""


def test_a_client_that_says_nothing_is_closed_after_a_while(site):
    with site.connect(b"GET /-") as client:
        site.turn()
        assert len(site.service._clients) == 1
        assert site.service._time_left() == 5.0
        site.now += 5.0
        site.turn()
        assert client.recv(1) == b""


def test_clients_that_say_nothing_leave_room_for_others(site, monkeypatch):
    monkeypatch.setattr(service_module, "_MOST", 2)
    silent = [site.connect() for _ in range(4)]
    site.turn(6)
    assert len(site.service._clients) == 2
    with site.connect(GET) as client:
        site.turn()
        assert client.recv(4096).endswith(b"ready\n")
    for each in silent:
        each.close()


def test_a_client_that_is_gone_is_no_fault(site):
    site.connect(b"GET").close()
    site.turn()
    assert site.service._clients == {}


def test_the_server_is_looked_at_again_and_again_once_term_has_come(site):
    assert site.service._time_left() == inf

    site.termination.on_sigterm()

    assert site.service._time_left() == 0.1


def test_who_is_connected_at_the_end_is_answered_still(site):
    with site.connect(b"GET /-/ready HTTP/1.1") as client, site.connect() as other:
        site.turn()
        client.sendall(b"\r\n\r\n")
        other.close()

        site.service.finish()

        assert client.recv(4096).endswith(b"ready\n")
