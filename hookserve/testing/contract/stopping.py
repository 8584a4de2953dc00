"""The contract: stopping, recycling and reloading lose nothing."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import Client, Load, is_refused, request
from hookserve.testing.suspending import suspend
from hookserve.testing.waiting import DEADLINE, wait_until


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
            responses = [client.read() for client in (running, uploading, *queued)]

            assert [response.status for response in responses] == [200] * 10
            assert responses[0].closes
            assert server.wait() == 0

    def test_new_clients_are_refused_at_once_while_a_request_is_finished(self) -> None:
        """They do not wait in a queue that is never served (on Linux)."""
        with self.serve(records=True) as server:
            running = self.begin(server, "/sleep/1")
            self.wait_for_call(server, "pre_request", path="/sleep/1")
            server.signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in server.log)
            wait_until(lambda: sys.platform != "linux" or is_refused(server.address))

            assert not select.select([running.socket], [], [], 0)[0], "it has ended already"
            assert running.read().status == 200

    def test_a_quick_stop_answers_what_has_arrived(self, tmp_path: Path) -> None:
        """Accepted or not; a client that has sent nothing is not waited for."""
        file = tmp_path / "go on"
        with self.serve(records=True, file=str(file), quick_timeout=DEADLINE) as server:
            running = self.begin(server, "/hold")
            self.wait_for_call(server, "pre_request", path="/hold")
            silent = self.connect(server)
            queued = [self.begin(server, "/") for _ in range(8)]

            server.signal(signal.SIGQUIT)
            wait_until(lambda: "stopping" in server.log)
            file.touch()
            responses = [client.read() for client in (running, *queued)]

            assert [response.status for response in responses] == [200] * 9
            assert server.wait(DEADLINE / 2) == 0
            assert silent.read_to_end() == b""

    def test_a_signal_to_every_process_is_the_same_stop(self, tmp_path: Path) -> None:
        """Ctrl-C, and systemd's KillMode=control-group: a worker may have it before the arbiter."""
        file = tmp_path / "go on"
        with self.serve(records=True, file=str(file)) as server:
            running = self.begin(server, "/hold")
            self.wait_for_call(server, "pre_request", path="/hold")
            queued = [self.begin(server, "/") for _ in range(8)]

            suspend(server.pid)
            os.kill(server.workers()[0], signal.SIGTERM)
            server.signal(signal.SIGTERM)
            file.touch()
            self.wait_for_call(server, "worker_draining")
            server.signal(signal.SIGCONT)
            responses = [client.read() for client in (running, *queued)]

            assert [response.status for response in responses] == [200] * 9
            assert server.wait() == 0

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
            assert load.responses_read >= 20

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
