"""What every worker model for ASGI applications promises, as tests that its author runs.

::

    from hookserve.testing import AsgiWorkerContract

    class TestContract(AsgiWorkerContract):
        worker = "mine"

It is for models whose `WorkerType.interfaces` have ``asgi``; one that runs applications of WSGI too
is held to `WorkerContract` besides.
"""

from __future__ import annotations

import signal
import ssl
import time
from pathlib import Path
from typing import ClassVar

import pytest

from hookserve.testing.contract.application import BLOCK, GO_ON
from hookserve.testing.contract.client import Client, Load, ask, in_parallel, request
from hookserve.testing.contract.order import OrderContract
from hookserve.testing.waiting import DEADLINE, wait_until

_MANY = 50
_BLOCKS = 2000
"""More than the kernel takes for a client that reads nothing, in blocks of 64 KiB."""


class AsgiWorkerContract(OrderContract):
    """Tasks that wait, and what they are told; see `hookserve.testing.contract.base.Contract` for
    what to set."""

    application: ClassVar[str] = "hookserve.testing.contract.asgi_application:application"

    def test_it_runs_the_interface(self) -> None:
        """As its `WorkerType` says."""
        assert "asgi" in self._row["interfaces"]

    def test_the_lifespan_is_around_the_requests(self, tmp_path: Path) -> None:
        """Once in each worker, and its state is in each request."""
        file = tmp_path / "file"
        with self.serve(file=str(file)) as server:
            pid = server.workers()[0]
            assert file.read_text() == "startup\n"
            assert ask(server.address, "/state").text == f"hello from {pid}"
            assert server.stop() == 0

            assert file.read_text() == "startup\nshutdown\n"

    def test_the_access_log_is_written_before_the_worker_waits(self, tmp_path: Path) -> None:
        """Of a request that has waited too, and whose client stays."""
        path = tmp_path / "log"
        with self.serve(access_logfile=path) as server, Client(server.address) as client:
            for count, page in enumerate(("/", "/sleep/0.1", "/later/0.1"), 1):
                assert client.ask(request(page)).status == 200
                wait_until(lambda count=count: len(path.read_text().splitlines()) == count, 5.0)  # type: ignore[misc]  # count is bound

    def test_requests_that_wait_overlap(self) -> None:
        """All of them are here at once, or none of them ends."""
        address = self.server.address
        responses = in_parallel(_MANY, lambda _: ask(address, f"/overlap/{_MANY}"))

        assert {getattr(each, "text", each) for each in responses} == {str(_MANY)}

    def test_pipelined_requests_are_answered_in_their_order(self) -> None:
        """Those that wait and those that do not, on one connection."""
        words = [b"%d" % number for number in range(_MANY)]
        with Client(self.server.address) as client:
            client.send(request("/sleep/0.1"))
            client.send(b"".join(request("/echo", method="POST", body=word) for word in words))

            assert client.read().text == str(self.server.workers()[0])
            assert [client.read().body for _ in words] == words

    def test_a_body_is_streamed_both_ways(self) -> None:
        """Each part is there, and sent back, before the next one comes."""
        with Client(self.server.address) as client:
            client.send(request("/echo", "Transfer-Encoding: chunked\r\n", "POST"))
            client.send(b"5\r\nfirst\r\n")
            found = b""
            while b"first" not in found:
                found += client.socket.recv(65536)
            client.send(b"6\r\nsecond\r\n0\r\n\r\n")
            while b"second" not in found:
                found += client.socket.recv(65536)

        assert found.startswith(b"HTTP/1.1 200 ")

    def test_tls_is_carried_both_ways(self, tmp_path: Path) -> None:
        """A request that waits, and bodies of many records, on one connection."""
        trustme = pytest.importorskip("trustme")
        authority = trustme.CA()
        certificate = authority.issue_cert("contract")
        certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        body = BLOCK * 20
        with (
            self.serve(certfile=tmp_path / "server.pem") as server,
            Client(server.address) as client,
        ):
            client.socket = trust.wrap_socket(client.socket, server_hostname="contract")
            pid = str(server.workers()[0])
            assert client.ask(request()).text == pid
            assert client.ask(request("/sleep/0.1")).text == pid
            assert client.ask(request("/echo", method="POST", body=body)).body == body

    def test_a_websocket_is_served_and_closed_by_a_graceful_stop(self, tmp_path: Path) -> None:
        """Text and bytes come back; the client and the application are told of the end."""
        if not self.can["websocket"]:
            pytest.skip("the model declares no websockets")
        pytest.importorskip("websockets")
        from websockets.exceptions import ConnectionClosed
        from websockets.sync.client import connect

        file = tmp_path / "file"
        with self.serve(file=str(file)) as server:
            host, port = server.address
            with connect(f"ws://{host}:{port}/talk", proxy=None) as client:
                for message in ("text", b"bytes", BLOCK):
                    client.send(message)
                    assert client.recv(DEADLINE) == message
                server.signal(signal.SIGTERM)
                with pytest.raises(ConnectionClosed):
                    client.recv(DEADLINE)
                assert client.close_code in (1001, 1012)
            assert server.wait() == 0
            assert file.read_text().splitlines()[1:] == [f"closed {client.close_code}", "shutdown"]

    def test_a_client_that_reads_slowly_holds_the_application_up(self, tmp_path: Path) -> None:
        """What it does not take is not kept in memory: `send` waits."""
        file = tmp_path / "file"
        with self.serve(file=str(file)) as server:
            client = self.connect(server, receive_buffer=65536)
            client.send(request(f"/stream/{_BLOCKS}"))
            wait_until(lambda: "block" in file.read_text())
            assert ask(server.address).status == 200
            taken = file.read_text().count("block")
            assert client.read().body == BLOCK * _BLOCKS

            assert taken < _BLOCKS / 2
            assert file.read_text().count("block") == _BLOCKS

    def test_the_end_of_a_client_is_told(self, tmp_path: Path) -> None:
        """To an application that waits, which ends then."""
        file = tmp_path / "file"
        with self.serve(file=str(file)) as server:
            with Client(server.address) as client:
                client.send(request("/waiting"))
                assert ask(server.address).status == 200
            wait_until(lambda: "disconnected" in file.read_text())

    def test_contexts_do_not_mix(self) -> None:
        """What a request leaves in a context variable is its own."""
        found = [ask(self.server.address, f"/context/{number}").text for number in range(5)]

        assert found == ["nothing"] * 5

    def test_an_application_that_raises_fails_its_request_alone(self) -> None:
        """Before it has waited, and after."""
        pid = self.server.workers()[0]
        for argument in ("0", "0.05"):
            assert ask(self.server.address, f"/fail/{argument}").status == 500
        assert ask(self.server.address).text == str(pid)

    def test_a_request_that_takes_too_long_is_cancelled(self, tmp_path: Path) -> None:
        """Alone, where the model says so."""
        if self.can["request_timeout"] != "cancel":
            return
        file = tmp_path / "file"
        with self.serve(file=str(file), request_timeout=0.3) as server:
            pid = server.workers()[0]
            assert ask(server.address, "/sleep/30").status == 503
            assert "cancelled" in file.read_text()
            assert ask(server.address).text == str(pid)

    def test_a_graceful_stop_finishes_what_waits(self, tmp_path: Path) -> None:
        """Requests, and what goes on after its response."""
        file = tmp_path / "file"
        with self.serve(file=str(file), records=True) as server:
            running = self.begin(server, "/hold")
            self.wait_for_call(server, "pre_request", path="/hold")
            assert ask(server.address, "/later").text == "begun"
            server.signal(signal.SIGTERM)
            self.wait_for_call(server, "worker_draining")
            Path(f"{file}{GO_ON}").touch()

            response = running.read()
            assert (response.status, response.closes) == (200, True)
            assert server.wait() == 0
            assert file.read_text().splitlines() == ["startup", "done later", "shutdown"]

    def test_a_graceful_stop_is_bounded(self, tmp_path: Path) -> None:
        """What does not end is cancelled, and the lifespan ends all the same."""
        file = tmp_path / "file"
        with self.serve(file=str(file), records=True, graceful_timeout=0.5) as server:
            with self.begin(server, "/sleep/30"):
                self.wait_for_call(server, "pre_request", path="/sleep/30")
                began = time.monotonic()
                assert server.stop() == 0

            assert time.monotonic() - began < DEADLINE / 2
            assert file.read_text().splitlines() == ["startup", "cancelled", "shutdown"]

    def test_a_reload_loses_no_request(self) -> None:
        """Of those that wait either."""
        with self.serve(workers=2) as server:
            with Load(server.address) as load, Client(server.address) as client:
                client.send(request("/sleep/0.5"))
                server.signal(signal.SIGHUP)
                server.wait_for("ready", count=4)
                load.wait_for(20)
                assert client.read().status == 200

            assert load.failures == []

    def test_a_worker_ends_when_its_arbiter_is_killed(self) -> None:
        """At once, though requests wait."""
        with self.serve(records=True) as server, self.begin(server, "/sleep/30") as client:
            self.wait_for_call(server, "pre_request", path="/sleep/30")
            server.process.kill()
            server.wait()

            assert client.read_to_end() == b"" or not client.socket.recv(1)
