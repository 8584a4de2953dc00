"""The contract: what clients may do on one connection."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from hookserve.testing.contract.application import BLOCK
from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import Client, ask, in_parallel, request, wait_until_read
from hookserve.testing.waiting import DEADLINE, wait_until


class ConversationContract(Contract):
    """Bytes in whatever pieces, in whatever order, with whatever end."""

    def test_a_connection_is_kept_as_declared(self) -> None:
        """One connection, many requests."""
        with Client(self.server.address) as client:
            responses = [client.ask(request())]
            while self.can["keepalive"] and len(responses) < 20:
                responses.append(client.ask(request()))

        assert [response.closes for response in responses] == [not self.can["keepalive"]] * len(
            responses
        )

    def test_a_request_in_single_bytes_is_put_together(self) -> None:
        """Head and body."""
        with Client(self.server.address) as client:
            for byte in request("/echo", method="POST", body=b"slowly"):
                client.send(bytes([byte]))

            assert client.read().body == b"slowly"

    def test_pipelined_requests_are_answered_in_their_order(self) -> None:
        """Also when there are more of them than are run in a row."""
        words = [b"%d" % number for number in range(200)]
        with Client(self.server.address) as client:
            client.send(b"".join(request("/echo", method="POST", body=word) for word in words))

            assert [client.read().body for _ in words] == words

    def test_a_client_that_half_closes_gets_its_answer(self) -> None:
        """Its last byte is the end of its request, not of its interest."""
        with Client(self.server.address) as client:
            client.send(request("/stream/2") + request("/echo", method="POST", body=b"last"))
            client.socket.shutdown(socket.SHUT_WR)

            assert client.read().body == BLOCK * 2
            assert client.read().body == b"last"
            assert client.read_to_end() == b""

    def test_an_expectation_is_met_before_the_body_comes(self) -> None:
        """``100 Continue``, then the response."""
        with Client(self.server.address) as client:
            extra = "Expect: 100-continue\r\nContent-Length: 5\r\n"
            interim = client.ask(request("/echo", extra, "POST"))
            response = client.ask(b"hello")

        assert (interim.status, response.body) == (100, b"hello")

    def test_an_unread_body_is_not_the_next_request(self) -> None:
        """Small ones are read past, and the connection goes on."""
        with Client(self.server.address) as client:
            smuggled = request("/nowhere")
            first = client.ask(request("/unread", method="POST", body=smuggled))
            second = client.ask(request("/echo", method="POST", body=b"next"))

        assert (first.text, second.text) == ("unread", "next")

    def test_an_unread_body_that_is_too_large_to_drain_ends_the_connection(self) -> None:
        """The response announces it, so that the client neither waits nor sends another request."""
        if self.can["buffered"]:
            return  # the body is complete before the application runs
        with Client(self.server.address) as client:
            client.send(request("/unread", "Content-Length: 10000000\r\n", "POST") + b"x" * 65536)
            response = client.read()

        assert (response.text, response.closes) == ("unread", True)

    def test_a_chunked_body_is_read(self) -> None:
        """In whatever pieces."""
        with Client(self.server.address) as client:
            client.send(request("/echo", "Transfer-Encoding: chunked\r\n", "POST"))
            for piece in (b"5\r\nhel", b"lo\r\n1;x=y\r\n!\r", b"\n0\r\n", b"\r\n"):
                client.send(piece)
                wait_until_read([client])

            assert client.read().body == b"hello!"

    def test_head_has_no_body(self) -> None:
        """And the connection goes on behind it."""
        with Client(self.server.address) as client:
            client.send(request("/whole/1", method="HEAD"))
            head = client.read(is_bodiless=True)
            response = client.ask(request())

        assert f"content-length: {len(BLOCK)}" in head.head.lower()
        assert response.status == 200

    def test_what_no_request_begins_with_is_refused_at_once(self) -> None:
        """TLS, say: its client would wait for as long as the server does."""
        for first in (b"\x16\x03\x01", b"\0", b"\n", b" ", b"\xff", b"(", b"\r\n\x16"):
            with Client(self.server.address) as client:
                began = time.monotonic()
                assert client.ask(first).status == 400, first
                assert time.monotonic() - began < DEADLINE / 4

    def test_clients_that_disconnect_disturb_no_other(self, tmp_path: Path) -> None:
        """In the middle of anything; the application's iterable is closed all the same."""
        path = tmp_path / "file"
        with self.serve(file=str(path)) as server:
            pid = server.workers()[0]
            for data in (
                b"",
                b"GET / HT",
                request("/closing/2000"),
                b"NONSENSE\r\n\r\n",
                request("/digest", "Content-Length: 9\r\n", "POST") + b"x",
            ):
                for _ in range(3):
                    _reset(server.address, data)
            closed = Path(f"{path}.closed")
            wait_until(lambda: closed.exists() and closed.read_text().count("closed") == 3)

            assert ask(server.address).text == str(pid)

    def test_conversations_do_not_mix(self) -> None:
        """Each client gets its own bodies back."""

        def converse(number: int) -> int:
            word = os.urandom(10) * (number * 400 + 1)
            with Client(self.server.address) as client:
                for count in range(30):
                    response = client.ask(request("/echo", method="POST", body=word))
                    if response.body != word:
                        return count
                    if response.closes:
                        client.socket.close()
                        client.__init__(self.server.address)  # type: ignore[misc]  # the next connection
            return -1

        assert in_parallel(6, converse) == [-1] * 6


def _reset(address: tuple[str, int], data: bytes) -> None:
    """Send something and go away as rudely as TCP allows."""
    with Client(address) as client:
        client.send(data)
        wait_until_read([client])
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
