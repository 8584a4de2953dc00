"""The contract: limits, backpressure, and clients that are slow on purpose."""

from __future__ import annotations

import hashlib
import resource
import socket
import time
from pathlib import Path

from hookserve.testing import kernel
from hookserve.testing.contract.application import BLOCK
from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import Client, ask, in_parallel, request, wait_until_read
from hookserve.testing.server import Server
from hookserve.testing.waiting import wait_until

LARGE = 100 * (1 << 20)
_MEMORY_MARGIN = 48 << 20
_AT_ONCE = 0.4


class LimitContract(Contract):
    """One client never costs another one its response."""

    def test_an_idle_connection_is_evicted_for_a_new_one(self) -> None:
        """The one that has been idle longest."""
        with self.serve(worker_connections=4) as server:
            kept = [self._keep(server) for _ in range(3)]
            silent = self.connect(server)

            assert ask(server.address).status == 200
            assert kept[0].read_to_end() == b""
            assert kept[2].ask(request()).status == 200
            assert silent.ask(request()).status == 200

    def test_a_worker_near_its_limit_announces_that_it_keeps_no_connection(self) -> None:
        """A response announces it, not an end in the middle of the next request."""
        with self.serve(worker_connections=4) as server:
            kept = [self._keep(server) for _ in range(3)]
            newcomer = self.connect(server)

            assert newcomer.ask(request()).closes
            assert newcomer.read_to_end() == b""
            assert not kept[0].ask(request()).closes

    def _keep(self, server: Server) -> Client:
        """A connection that is idle after one request."""
        client = self.connect(server)
        assert client.ask(request()).status == 200
        time.sleep(0.05)  # it is idle for longer than the next
        return client

    def test_a_client_that_finds_no_room_waits_and_is_served(self) -> None:
        """Connections that are not idle are not closed for another."""
        with self.serve(worker_connections=3) as server:
            busy = [self.connect(server) for _ in range(3)]
            for client in busy:
                client.send(b"GET / HTTP/1.1\r\nHost: ")
            wait_until_read(busy)
            with self.begin(server, "/") as waiting:
                waiting.socket.settimeout(0.3)
                assert _is_silent(waiting)
                waiting.socket.settimeout(10)
                responses = [client.ask(b"contract\r\n\r\n").status for client in busy]

                assert responses == [200, 200, 200]
                assert waiting.read().status == 200

    def test_running_out_of_descriptors_is_survived(self) -> None:
        """Accepting pauses; the worker stays, and serves when there are descriptors again."""
        with self.serve(header_timeout=2) as server:
            pid = server.workers()[0]
            soft = len(_descriptors_of(pid)) + 10
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, soft))
            clients = [self.connect(server) for _ in range(30)]
            wait_until(lambda: len(_descriptors_of(pid)) == soft)
            for client in clients:
                client.socket.close()

            assert ask(server.address).text == str(pid)

    def test_silent_clients_and_half_heads_delay_no_other(self) -> None:
        """However many: they wait without a thread."""
        clients = [self.connect(self.server) for _ in range(20)]
        for client in clients[::2]:
            client.send(b"GET / HTTP/1.1\r\nHo")
        wait_until_read(clients)

        assert _slowest_of(self.server, 10) < _AT_ONCE

    def test_slow_readers_delay_no_other(self) -> None:
        """What they do not take of a page, a large one too, waits for them."""
        clients = [self.connect(self.server, receive_buffer=4096) for _ in range(8)]
        for client in clients:
            client.send(request("/whole/32"))
        wait_until(lambda: all(kernel.is_stalled(client.socket) for client in clients))

        assert _slowest_of(self.server, 10) < _AT_ONCE
        assert [len(client.read().body) for client in clients] == [32 * len(BLOCK)] * 8

    def test_slow_senders_delay_no_other(self) -> None:
        """However many: an ordinary body is waited for before anything is occupied."""
        clients = [self.connect(self.server) for _ in range(20)]
        for client in clients:
            client.send(request("/digest", "Content-Length: 20\r\n", "POST") + b"x" * 10)
        wait_until_read(clients)

        assert _slowest_of(self.server, 10) < _AT_ONCE
        for client in clients:
            client.send(b"x" * 10)
            assert client.read().text.startswith("20 ")

    def test_slow_bodies_that_are_not_read_delay_no_other(self) -> None:
        """However many: what is left of a body after its response is waited for like a head."""
        clients = [self.connect(self.server) for _ in range(8)]
        head = request("/", f"Content-Length: {len(BLOCK) + 10}\r\n", "POST")
        for client in clients:
            client.send(head + BLOCK)
        wait_until_read(clients)

        assert _slowest_of(self.server, 10) < _AT_ONCE
        for client in clients:
            client.send(b"x" * 10)
            response = client.read()
            assert response.status == 200
            assert response.closes or client.ask(request()).status == 200

    def test_with_buffer_bodies_large_slow_bodies_delay_no_other(self) -> None:
        """However many: a body is complete before anything is occupied, under every model."""
        with self.serve(buffer_bodies=True, worker_connections=100) as server:
            clients = [self.connect(server) for _ in range(20)]
            head = request("/digest", f"Content-Length: {2 * len(BLOCK)}\r\n", "POST")
            for client in clients:
                client.send(head + BLOCK)
            with self.connect(server) as asking:
                asking.send(
                    request("/digest", "Content-Length: 9\r\nExpect: 100-continue\r\n", "POST")
                )
                assert _slowest_of(server, 10) < _AT_ONCE
            for client in clients:
                client.send(BLOCK)
                assert client.read().text.startswith(f"{2 * len(BLOCK)} ")

    def test_a_body_is_complete_before_the_application_runs_as_declared(self) -> None:
        """Or a large one is read while it runs."""
        with self.serve(records=True) as server, Client(server.address) as client:
            head = request("/digest", f"Content-Length: {4 * len(BLOCK)}\r\n", "POST")
            client.send(head + BLOCK * 3)
            if self.can["buffered"]:
                wait_until_read([client])
                assert ask(server.address).status == 200
            else:
                self.wait_for_call(server, "pre_request", path="/digest")
            calls = self.called(server, "pre_request")
            begun = [call for call in calls if call["path"] == "/digest"]
            client.send(BLOCK)

            assert client.read().text.startswith(f"{4 * len(BLOCK)} ")
            assert len(begun) == (0 if self.can["buffered"] else 1)

    def test_lingering_clients_delay_no_other(self) -> None:
        """Who does not close its side after a refusal costs a descriptor."""
        clients = [self.connect(self.server) for _ in range(8)]
        for client in clients:
            client.send(b"NONSENSE\r\n\r\n")
            assert client.read().status == 400

        assert _slowest_of(self.server, 10) < _AT_ONCE

    def test_a_large_upload_is_taken_in_bounded_memory(self) -> None:
        """100 MB, digested."""
        with self.serve() as server:
            before = _peak(server)
            digest = hashlib.sha256()
            with Client(server.address) as client:
                client.send(request("/digest", f"Content-Length: {LARGE}\r\n", "POST"))
                for _ in range(LARGE // len(BLOCK)):
                    client.send(BLOCK)
                    digest.update(BLOCK)
                response = client.read()

            assert response.text == f"{LARGE} {digest.hexdigest()}"
            assert _peak(server) < before + _MEMORY_MARGIN

    def test_a_large_download_is_sent_in_bounded_memory(self) -> None:
        """100 MB that are made as they are sent, to a client that begins to read late."""
        with self.serve() as server:
            before = _peak(server)
            with Client(server.address) as client:
                client.send(request(f"/stream/{LARGE // len(BLOCK)}"))
                time.sleep(0.5)  # a reader that begins late
                response = client.read()

            assert len(response.body) == LARGE
            assert _peak(server) < before + _MEMORY_MARGIN

    def test_a_large_file_is_sent_as_declared(self, tmp_path: Path) -> None:
        """With sendfile the application's file is never read from."""
        path = tmp_path / "file"
        path.write_bytes(BLOCK * 160)
        with self.serve(file=str(path)) as server:
            before = _peak(server)
            with Client(server.address, receive_buffer=65536) as client:
                client.send(request("/file"))
                time.sleep(0.2)  # a reader that begins late
                assert client.read().body == path.read_bytes()

            reads = int(ask(server.address, "/file-reads").text)
            assert (reads == 0) == self.can["sendfile"]
            assert _peak(server) < before + _MEMORY_MARGIN

    def test_many_connections_at_once_are_all_answered(self) -> None:
        """And again, those that the server has kept."""
        clients = [self.connect(self.server) for _ in range(200)]
        for _ in range(2):
            for client in clients:
                client.send(request())
            responses = [client.read() for client in clients]
            assert [response.status for response in responses] == [200] * len(clients)
            clients = [
                client
                for client, response in zip(clients, responses, strict=True)
                if not response.closes
            ]

    def test_requests_at_once_are_all_answered(self) -> None:
        """Many more than a pool of threads has."""
        address = self.server.address
        responses = in_parallel(64, lambda number: ask(address, "/echo", b"%d" % number))

        found = [getattr(response, "text", response) for response in responses]
        assert found == [str(number) for number in range(64)]


def _slowest_of(server: Server, count: int) -> float:
    """The longest that one of some requests took, in seconds."""
    slowest = 0.0
    for _ in range(count):
        began = time.monotonic()
        assert ask(server.address).status == 200
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def _is_silent(client: Client) -> bool:
    try:
        return not client.socket.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True


def _descriptors_of(pid: int) -> list[Path]:
    """Those that a process has open (proc(5))."""
    return list(Path(f"/proc/{pid}/fd").iterdir())


def _peak(server: Server) -> int:
    """The most memory that the worker has had, in bytes (proc(5))."""
    status = Path(f"/proc/{server.workers()[0]}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
