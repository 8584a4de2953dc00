"""The contract: stopping, recycling and reloading lose nothing."""

from __future__ import annotations

import select
import signal
import socket
import sys
import time

from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import Client, Load, request
from hookserve.testing.waiting import DEADLINE, wait_until


def _is_refused(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=0.1).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        pass
    return False


class StoppingContract(Contract):
    """What a worker has begun it finishes, within bounds."""

    def test_a_graceful_stop_finishes_what_is_in_flight(self) -> None:
        """Requests that run, one whose body is half there, and those that wait to be accepted."""
        with self.serve(records=True) as server:
            running = self.begin(server, "/sleep/1")
            self.wait_for_call(server, "pre_request", path="/sleep/1")
            uploading = self.connect(server)
            uploading.send(request("/digest", "Content-Length: 20\r\n", "POST") + b"x" * 10)
            queued = [self.begin(server, "/") for _ in range(8)]

            server.signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in server.log)
            uploading.send(b"x" * 10)
            answers = [client.read() for client in (running, uploading, *queued)]

            assert [answer.status for answer in answers] == [200] * 10
            assert answers[0].closes
            assert server.wait() == 0

    def test_new_clients_are_refused_at_once_while_a_request_is_finished(self) -> None:
        """They do not wait in a queue that is never served (on Linux)."""
        with self.serve(records=True) as server:
            running = self.begin(server, "/sleep/1")
            self.wait_for_call(server, "pre_request", path="/sleep/1")
            server.signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in server.log)
            wait_until(lambda: _is_refused(server.address) or sys.platform != "linux")

            assert not select.select([running.socket], [], [], 0)[0], "it has ended already"
            assert running.read().status == 200

    def test_a_client_that_is_idle_may_send_its_next_request_while_the_server_stops(self) -> None:
        """The request crosses the signal on the wire; it gets a response with an announced end."""
        with self.serve() as server, Client(server.address) as client:
            assert client.ask(request()).status == 200

            server.signal(signal.SIGTERM)

            wait_until(lambda: client.ask(request()).closes)
            assert server.wait() == 0

    def test_a_graceful_stop_is_bounded(self) -> None:
        """A request that does not end is ended."""
        with self.serve(records=True, graceful_timeout=0.5, abort_timeout=0.3) as server:
            with self.begin(server, "/sleep/20"):
                self.wait_for_call(server, "pre_request", path="/sleep/20")
                began = time.monotonic()
                server.stop()

            assert time.monotonic() - began < 6.0

    def test_a_quick_stop_waits_for_no_client(self) -> None:
        """INT has its own short limit, and its hook."""
        with self.serve(records=True, quick_timeout=0.5, abort_timeout=0.3) as server:
            with self.begin(server, "/sleep/20"), Client(server.address) as idle:
                idle.send(b"GET / HT")
                self.wait_for_call(server, "pre_request", path="/sleep/20")
                began = time.monotonic()
                code = server.stop(signal.SIGINT)

            assert code == 0
            assert time.monotonic() - began < 5.0

    def test_recycling_loses_no_request(self) -> None:
        """The replacement is ready before the old worker goes."""
        with self.serve(max_requests=40) as server:
            with Load(server.address) as load:
                server.wait_for("exit", count=3)

            assert load.failures == []
            reasons = {event["kind"] for event in server.events if event["event"] == "exit"}
            assert reasons == {"recycled"}

    def test_a_reload_loses_no_request(self) -> None:
        """Nor do workers that are added and taken away."""
        with self.serve(workers=2) as server:
            with Load(server.address) as load:
                server.signal(signal.SIGHUP)
                server.wait_for("exit", count=2)
                server.signal(signal.SIGTTIN)
                server.wait_for("ready", lambda event: event["index"] == 2)
                server.signal(signal.SIGTTOU)
                server.wait_for("exit", count=3)
                load.wait_for(20)

            assert load.failures == []
            assert load.answered >= 20

    def test_nothing_waits_for_a_client_that_never_closes(self) -> None:
        """A worker that is told to stop ends, whichever client is still connected."""
        with self.serve(linger_timeout=0.5) as server:
            clients = [self.connect(server) for _ in range(3)]
            for client in clients[:2]:
                assert client.ask(request()).status == 200

            began = time.monotonic()
            assert server.stop() == 0

            assert time.monotonic() - began < DEADLINE / 2
            for client in clients:
                assert client.read_to_end() == b""
