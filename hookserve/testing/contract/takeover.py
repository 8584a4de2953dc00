"""The contract: connections that an application takes over."""

from __future__ import annotations

import signal
import socket

import pytest

from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import Client, ask, request
from hookserve.testing.server import Server

UPGRADE = "Connection: upgrade\r\nUpgrade: echo\r\n"
_MUCH = 3_000_000


class TakeoverContract(Contract):
    """A model that hands connections over waits for the application, and keeps its promises."""

    def test_an_application_takes_a_connection_over_where_the_model_says_so(self) -> None:
        """What has arrived behind the request is its own; elsewhere the entry is not there."""
        client = self.connect(self.server)
        if not self.can["hands_over"]:
            assert client.ask(request("/taken", UPGRADE)).text == "not here"
            return
        client.send(request("/taken", UPGRADE) + b"early")
        assert client.read().status == 101
        assert client.read_bytes(5) == b"early"
        client.send(b"x" * 100)
        assert client.read_bytes(100) == b"x" * 100
        client.socket.shutdown(socket.SHUT_WR)

        assert client.read_to_end() == b""
        assert ask(self.server.address).status == 200

    def test_much_goes_both_ways_over_a_connection_that_is_taken_over(self) -> None:
        """`send` and `recv` of the socket wait for the client, as those of the kernel do."""
        self._needs_takeovers()
        client = self._take_over(self.server)
        left = _MUCH
        while left:
            client.send(b"y" * 60_000)
            left -= len(client.read_bytes(60_000))

    def test_an_application_that_waits_for_its_client_is_not_silent(self) -> None:
        """Not even where no other request can run meanwhile."""
        self._needs_takeovers()
        with self.serve(timeout=0.5, abort_timeout=0.2) as server:
            client = self._take_over(server)
            client.socket.settimeout(1.5)
            with pytest.raises(TimeoutError):
                client.socket.recv(1)
            client.send(b"alive")

            assert client.read_bytes(5) == b"alive"
            client.socket.close()

    def test_an_application_is_told_of_a_reload_and_cut_in_time(self) -> None:
        """Its request ends like any other, and its worker is not killed for it."""
        self._needs_takeovers()
        with self.serve(records=True, graceful_timeout=2) as server:
            client = self._take_over(server)
            before = server.workers()[0]
            server.signal(signal.SIGHUP)

            assert client.read_bytes(5) == b"leave"
            client.send(b"still here")
            assert client.read_bytes(10) == b"still here"
            assert ask(server.address).text != str(before)
            assert client.read_to_end() == b""
            self.wait_for_call(server, "post_request", path="/taken")
            assert "timed out" not in server.log

    def test_an_application_that_ends_when_it_is_told_ends_a_stop(self) -> None:
        """Long before `graceful_timeout`."""
        self._needs_takeovers()
        with self.serve(graceful_timeout=60) as server:
            client = self._take_over(server)
            server.signal(signal.SIGTERM)
            assert client.read_bytes(5) == b"leave"
            client.socket.close()

            assert server.wait() == 0

    def _needs_takeovers(self) -> None:
        if not self.can["hands_over"]:
            pytest.skip(f"{self.worker} hands no connection over")

    def _take_over(self, server: Server) -> Client:
        client = self.connect(server)
        client.send(request("/taken", UPGRADE))
        assert client.read().status == 101
        return client
