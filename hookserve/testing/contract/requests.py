"""The contract: PEP 3333's ``wsgi.input`` and ``wsgi.file_wrapper``."""

from __future__ import annotations

import ast
import io
import itertools
from typing import Any
from urllib.parse import quote

from hookserve.testing.contract.client import request
from hookserve.testing.contract.plans import call_all, content
from hookserve.testing.contract.responses import PlanContract, Planned

CALLS: tuple[tuple[tuple[Any, ...], ...], ...] = (  # Any: names and their arguments
    (("read",),),
    (("read", -1),),
    (("read", None),),
    (("read", 0), ("read", 1), ("read", 0), ("read", 7), ("read", 10**6), ("read", 1), ("read",)),
    (("read", 3), ("read", 3), ("read", 3), ("read",), ("read",), ("readline",)),
    (("readline",), ("readline",), ("readline",), ("readline",), ("readline",), ("readline",)),
    (("readline", 2), ("readline", 0), ("readline", -1), ("readline", None), ("readline", 10**6)),
    (("readlines",), ("readlines",), ("read",)),
    (("readlines", 1), ("readlines", 3), ("readlines", 0), ("readlines",)),
    (("readlines", None),),
    (("readlines", -1), ("iterate",)),
    (("iterate",), ("iterate",), ("read", 1), ("readlines",)),
    (("readline",), ("read", 2), ("readlines", 2), ("readline", 1), ("iterate",), ("read", -1)),
)
BODIES = (
    b"",
    b"\n",
    b"no end of line",
    b"one\ntwo\n\nthree\r\nfour",
    b"\n\n\n\0\xff\n" * 3,
    b"line of a larger body\n" * 10000 + b"end",
)
_READ_PAST = 10000
"""A longer rest of a body may end its connection."""
_SMALL_FILE = 1000
_LARGE_FILE = 300_000


class InputContract(PlanContract):
    """The body is read as any binary file is, however it was sent."""

    def test_the_input_reads_as_a_file_does(self) -> None:
        """Every call, at the end and after it, with a length, in chunks, and in pieces."""
        client = self.connect(self.server)
        for body, calls in itertools.product(BODIES, CALLS):
            expected = call_all(io.BytesIO(body), calls)
            for framed in (_with_length(body), _in_chunks(body, 5 if len(body) < 100 else 9999)):
                head = request(f"/input?{quote(repr(list(calls)))}", framed[0], "POST")
                response = client.ask(head + framed[1])
                if response.closes or len(body) > _READ_PAST:
                    client = self.connect(self.server)

                assert ast.literal_eval(response.text) == expected, (body[:50], calls)

    def test_a_request_without_a_body_has_an_empty_input(self) -> None:
        """At its end from the start; the next request is not part of it."""
        client = self.connect(self.server)
        for calls, method in itertools.product(CALLS, ("GET", "POST")):
            client.send(request(f"/input?{quote(repr(list(calls)))}", method=method) * 2)
            for _ in range(2):
                response = client.read()
                assert ast.literal_eval(response.text) == call_all(io.BytesIO(), calls)
                if response.closes:
                    client = self.connect(self.server)
                    break

    def test_the_input_ends_where_the_body_does(self) -> None:
        """Also when the next request has arrived with it."""
        client = self.connect(self.server)
        calls = [("readline",), ("read", 10**6), ("readlines",)]
        target = f"/input?{quote(repr(calls))}"
        for header, body in (_with_length(b"a\nb"), _in_chunks(b"a\nb", 1)):
            client.send((request(target, header, "POST") + body) * 3)
            responses = [client.read().text for _ in range(3)]

            assert responses == [repr([b"a\n", b"b", []])] * 3


def _with_length(body: bytes) -> tuple[str, bytes]:
    return f"Content-Length: {len(body)}\r\n", body


def _in_chunks(body: bytes, size: int) -> tuple[str, bytes]:
    starts = range(0, len(body), size)
    chunks = [body[at : at + size] for at in starts]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return "Transfer-Encoding: chunked\r\n", framed + b"0\r\n\r\n"


class FileContract(PlanContract):
    """A file is sent from where it stands, and closed once."""

    def test_a_file_is_sent_from_where_it_stands(self) -> None:
        """Small and large ones, with and without a descriptor, whatever the block's size."""
        for size, kind in itertools.product(
            (0, 1, _SMALL_FILE, 65536, 65537, _LARGE_FILE),
            ("file", "unbuffered", "reader", "gzip"),
        ):
            for offset, block in ((0, None), (1, 7 if size < 10**4 else 8192), (size, 1)):
                file = {"kind": kind, "size": size, "offset": offset, "block": block}
                assert self.send_file(file=file) == content(size)[offset:], file

    def test_a_part_of_a_file_is_sent(self) -> None:
        """Its length says how much; the client can see that the file had less."""
        for size, kind in itertools.product((_SMALL_FILE, _LARGE_FILE), ("file", "reader", "gzip")):
            file = {"kind": kind, "size": size, "offset": 100}
            for length in (0, 1, size // 2, size - 100):
                start = [("206 Partial", [("Content-Length", str(length))], False)]
                part = self.send_file(start=start, file=file)
                assert part == content(size)[100 : 100 + length], (file, length)

            start = [("200 OK", [("Content-Length", str(size))], False)]
            sent = self.plan_to_end(start=start, file=file)
            assert sent.partition(b"\r\n\r\n")[2] == content(size)[100:]

    def test_a_file_follows_what_was_written(self) -> None:
        """In one body, with a length or without."""
        for size in (0, _SMALL_FILE, _LARGE_FILE):
            file = {"size": size}
            assert self.send_file(write=[b"first, "], file=file) == b"first, " + content(size)

            start = [("200 OK", [("Content-Length", str(size + 7))], False)]
            body = self.send_file(start=start, write=[b"first, "], file=file)
            assert body == b"first, " + content(size)

            start = [("200 OK", [("Content-Length", "7")], False)]
            assert self.send_file(start=start, write=[b"first, "], file=file) == b"first, "

    def test_what_is_no_regular_file_is_read(self) -> None:
        """Pipes to their end, devices as far as the length goes."""
        assert self.send_file(file={"kind": "pipe", "size": 50000}) == content(50000)
        start = [("200 OK", [("Content-Length", "100000")], False)]
        assert self.send_file(start=start, file={"kind": "device", "size": 0}) == bytes(100000)

    def test_a_file_that_is_closed_is_a_500(self) -> None:
        """Before anything was sent."""
        assert self.plan(file={"kind": "closed", "size": 10}).status == 500

    def test_a_bodiless_response_has_no_file(self) -> None:
        """HEAD says its length where it is known; the file is closed."""
        for size, kind in itertools.product((_SMALL_FILE, _LARGE_FILE), ("file", "reader")):
            for status, method in (("200 OK", "HEAD"), ("204 No", "GET"), ("304 Not", "GET")):
                client = self.connect(self.server)
                start: Planned = [(status, [], False)]
                file = {"size": size, "kind": kind}
                name = self.send_plan(client, method, start=start, file=file)
                head = client.read(is_bodiless=True)

                assert head.status == int(status[:3])
                assert head.closes or client.ask(request("/unread")).text == "unread"
                assert self.closes(name) == 1
                if method == "HEAD" and kind == "file":
                    assert f"Content-Length: {size}\r\n" in f"{head.head}\r\n"

    def test_a_file_is_closed_once(self) -> None:
        """Sent, cut, or left behind by its client."""
        cut: Planned = [("200 OK", [("Content-Length", "10")], False)]
        for size, kind in itertools.product((0, _SMALL_FILE, 3_000_000), ("file", "reader")):
            plans: Planned = ({}, {"start": cut}, {"start": []})
            for more in plans:
                client = self.connect(self.server, receive_buffer=4096)
                name = self.send_plan(client, file={"size": size, "kind": kind}, **more)
                assert client.socket.recv(1)
                client.socket.close()

                assert self.closes(name) == 1, (size, kind, more)

    def send_file(self, **plan: Planned) -> bytes:
        """The body of a response that is a file, which has been closed once."""
        client = self.connect(self.server)
        name = self.send_plan(client, **plan)
        response = client.read()
        assert response.closes or client.ask(request("/unread")).text == "unread", plan
        closed = self.closes(name)
        assert closed == 1, (plan, closed)
        return response.body
