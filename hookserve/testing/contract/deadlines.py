"""The contract: deadlines, of workers and of clients, and the messages when they pass."""

from __future__ import annotations

import time

from hookserve.testing import kernel
from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import Client, ask, request
from hookserve.testing.waiting import wait_until


class DeadlineContract(Contract):
    """A worker that hangs is reported and replaced; a client that is too slow is disconnected."""

    def test_a_silent_worker_is_reported_with_request_and_line_and_replaced(self) -> None:
        """The arbiter tells what it held, the stacks say where, and the service goes on."""
        # A model that was full has left a request that spins to the replacement: the stop at the
        # end would wait for it.
        with self.serve(records=True, timeout=1, abort_timeout=0.5, graceful_timeout=1) as server:
            pid = server.workers()[0]
            waiting = [self.begin(server, "/sleep/15")] if self.can["parallel"] else []
            for _ in waiting:
                self.wait_for_call(server, "pre_request", path="/sleep/15")
            for _ in range(self.requests_to_hang):
                self.connect(server).send(request("/spin", "X-Request-ID: the-stuck-one\r\n"))
            call = self.wait_for_call(server, "worker_timeout")
            gone = server.wait_for("exit", lambda event: event["pid"] == pid)
            server.wait_for("ready", count=2)
            record = self.wait_for_call(server, "log_access", path="/spin")

            assert "GET /spin" in call["requests"]
            assert (call["pid"], gone["kind"]) == (server.pid, "timed out")
            assert "GET /spin [the-stuck-one]" in gone["detail"]
            assert "in _spin" in server.log, server.log
            assert (record["status"], bool(record["reason"])) == (0, True)
            if waiting:
                assert "GET /sleep/15" in call["requests"]
                assert "in _sleep" in server.log, server.log
            assert self.called(server, "worker_abort")[0]["pid"] == pid
            assert ask(server.address).status == 200

    def test_a_slow_request_is_logged_with_its_stack(self) -> None:
        """Once, at that moment, and it goes on."""
        with self.serve(slow_request=0.3) as server, self.begin(server, "/sleep/1") as client:
            wait_until(lambda: "slow request" in server.log)
            report = server.log.partition("slow request")[2]

            assert "GET /sleep/1 (0." in report
            assert "in _sleep" in report, report
            assert client.read().status == 200
            assert server.log.count("slow request") == 1

    def test_a_slow_request_is_logged_where_its_worker_ends_after_it(self) -> None:
        """The stack is in a file of the worker's, which is closed when its process has ended."""
        with self.serve(slow_request=0.5, max_requests=1) as server:
            assert ask(server.address, "/sleep/0.6").status == 200
            server.wait_for("exit")
            wait_until(lambda: "slow request" in server.log)

            assert "GET /sleep/0.6 (0." in server.log.partition("slow request")[2]
            assert server.log.count("slow request") == 1

    def test_a_request_that_runs_too_long_is_ended_as_declared(self) -> None:
        """``kill``: with its worker; ``cancel``: alone, and 503 is the response."""
        with self.serve(records=True, request_timeout=0.5, abort_timeout=0.5, timeout=0) as server:
            pid = server.workers()[0]
            with self.begin(server, "/sleep/15") as client:
                response = client.read_to_end()
            record = self.wait_for_call(server, "log_access", path="/sleep/15")

            if self.can["request_timeout"] == "cancel":
                assert response.startswith(b"HTTP/1.1 503 ")
                assert (record["status"], record["pid"]) == (503, pid)
                assert ask(server.address).text == str(pid)
            else:
                gone = server.wait_for("exit")
                assert response == b""
                assert (gone["kind"], record["status"]) == ("timed out", 0)
                server.wait_for("ready", count=2)
                assert ask(server.address).status == 200
            assert "request" in record["reason"]
            assert 0.4 < record["elapsed"] < 3.0

    def test_a_head_has_one_deadline(self) -> None:
        """From the first byte, however often another one comes; the response is 408."""
        with self.serve(header_timeout=0.6) as server, Client(server.address) as client:
            began = time.monotonic()
            client.socket.settimeout(0.1)
            response = b""
            for byte in b"GET / HTTP/1.1\r\nX-Slow: " + b"x" * 200:
                client.send(bytes([byte]))
                try:
                    response = client.socket.recv(100)
                    break
                except TimeoutError:
                    pass

            assert response.startswith(b"HTTP/1.1 408 ")
            assert 0.5 < time.monotonic() - began < 5.0

    def test_a_silent_client_is_closed_at_its_deadline(self) -> None:
        """Without a response: there was no request."""
        with self.serve(header_timeout=0.6) as server, Client(server.address) as client:
            began = time.monotonic()

            assert client.read_to_end() == b""
            assert 0.5 < time.monotonic() - began < 5.0

    def test_an_idle_connection_is_kept_for_a_while(self) -> None:
        """And closed silently afterwards."""
        with self.serve(keepalive=0.6) as server, Client(server.address) as client:
            began = time.monotonic()
            assert client.ask(request()).status == 200

            assert client.read_to_end() == b""
            assert 0.6 < time.monotonic() - began < 5.0

    def test_a_body_that_stops_coming_is_refused(self) -> None:
        """With 408, and the worker serves on."""
        with self.serve(body_timeout=0.6) as server:
            pid = server.workers()[0]
            with Client(server.address) as client:
                began = time.monotonic()
                client.send(request("/digest", "Content-Length: 1000\r\n", "POST") + b"x" * 10)
                response = client.read_to_end()

                assert response.startswith(b"HTTP/1.1 408 ")
                assert 0.5 < time.monotonic() - began < 5.0
            assert ask(server.address).text == str(pid)

    def test_a_reader_that_takes_a_byte_now_and_then_is_disconnected(self) -> None:
        """The response is cut off, and the worker serves on: the kernel takes no more of a response
        for the sake of a few bytes, so a drip is no progress."""
        with self.serve(write_timeout=0.6) as server:
            pid = server.workers()[0]
            with Client(server.address, receive_buffer=4096) as client:
                client.send(request("/whole/800"))
                wait_until(lambda: client.socket.recv(1) and kernel.is_closed(client.socket))
                response = client.read_to_end()

                assert len(response) < 800 * 65536
            assert ask(server.address).text == str(pid)
