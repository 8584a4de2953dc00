"""The contract: PEP 3333's side of the response, whatever an application does with it."""

from __future__ import annotations

import itertools
import signal
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hookserve.testing.contract.application import BLOCK
from hookserve.testing.contract.base import Contract
from hookserve.testing.contract.client import Client, Response, request
from hookserve.testing.contract.plans import FAIL
from hookserve.testing.waiting import DEADLINE

Planned = Any  # Any: whatever an application may do, right or wrong

OK: Planned = ("200 OK", [], False)
LATE: Planned = ("404 Not Found", [("X-Second", "1")], True)

NO_BODIES: Planned = (
    "text",
    b"bytes",
    b"\0",
    None,
    5,
    [None],
    [""],
    ["text"],
    [[]],
    [5],
    [0],
    [[], []],
    [b"", ""],
    [b"", 0],
    {"": 1},
)
NO_PARTS: Planned = ("text", "", None, 0, [])
NO_STATUSES: Planned = (
    "",
    "OK",
    "20 OK",
    "2000 OK",
    "099 No",
    "200OK",
    "200 OK\r\nX-Injected: 1",
    "200 OK\nX-Injected: 1",
    "200 O\0K",
    "200 \u20ac",
    b"200 OK",
    200,
    None,
    "+20 OK",
    " 200 OK",
    "100 Continue",
    "101 No",
    "\u0662\u0660\u0660 OK",
)
NO_HEADERS: Planned = (
    ("X-A", "b\r\nX-Injected: 1"),
    ("X-A", "b\nX-Injected: 1"),
    ("X-A", "b\rc"),
    ("X-A", "b\0"),
    ("X-A", "b\x7f"),
    ("X-A", "\u20ac"),
    ("X-A", b"b"),
    ("X-A", 5),
    ("X-A", None),
    (b"X-A", "b"),
    ("X A", "b"),
    ("X-A ", "b"),
    (" X-A", "b"),
    ("", "b"),
    ("X-A:", "b"),
    ("X-\xe9", "b"),
    (None, "b"),
    ("X-A\r\nX-Injected", "1"),
    ("X-A",),
    ("X-A", "b", "c"),
    "X-A",
    [],
    5,
)
PLANS_TO_CLOSE: Planned = (
    {"parts": [b"a", b"b"]},
    {"parts": []},
    {"parts": [FAIL]},
    {"parts": [b"a", FAIL]},
    {"parts": ["text"]},
    {"parts": [b"a"], "late": True, "start": []},
    {"parts": [b"a"], "late": True, "start": [OK, OK]},
    {"parts": [b"a"], "late": True, "start": [("nothing", [], False)]},
    {"parts": [b"a"], "start": []},
    {"parts": [b"abcdef"], "start": [("200 OK", [("Content-Length", "3")], False)]},
    {"parts": [b"a"], "start": [("200 OK", [("Content-Length", "3")], False)]},
    {"parts": [b"a"], "start": [("304 Not", [], False)]},
    {"parts": [b"a"], "fails to close": True},
    {"parts": [b"a", FAIL], "fails to close": True},
    {"parts": [b"a"], "write": [b"b"]},
)
"""How an iterable may end."""
PLANS_TO_INTERRUPT: Planned = (
    {"parts": [b"x" * 1000], "times": 4000},
    {"write": [b"x"], "late": True, "parts": [b"x" * 1000], "times": 400},
    {"write": [b"x" * 500] * 5, "tolerates": True, "parts": [b"x"]},
    {"write": [b"x"] * 100, "tolerates": True, "parts": []},
    {"parts": [b"x"]},
)
"""What a client may go away from."""
_numbers = itertools.count()


class PlanContract(Contract):
    """Asks the application for plans (`hookserve.testing.contract.plans`)."""

    def send_plan(
        self, client: Client, method: str = "GET", extra: str = "", **plan: Planned
    ) -> str:
        """Ask for a plan; returns the name under which its closes are counted."""
        name = f"number-{next(_numbers)}"
        client.send(request(f"/plan/{name}?{quote(repr(plan))}", extra, method))
        return name

    def plan(self, method: str = "GET", **plan: Planned) -> Response:
        """The response to a plan.  The connection goes on after it, unless its end is announced."""
        client = self.connect(self.server)
        self.send_plan(client, method, **plan)
        response = client.read(is_bodiless=method == "HEAD" or _status(plan) in ("204", "304"))
        if response.closes:
            assert client.read_to_end() == b"", plan
        else:
            assert client.ask(request("/unread")).text == "unread", plan
        return response

    def plan_to_end(self, version: str = "HTTP/1.1", **plan: Planned) -> bytes:
        """All bytes until the server closes, which it must."""
        client = self.connect(self.server)
        name = f"/plan/{next(_numbers)}?{quote(repr(plan))}"
        client.send(request(name).replace(b"HTTP/1.1", version.encode(), 1))
        return client.read_to_end()

    def closes(self, name: str, goal: int = 1) -> int:
        """How often it was closed, once that is as often as it should be, or never will be."""
        deadline = time.monotonic() + DEADLINE / 4
        with Client(self.server.address) as client:
            while True:
                response = client.ask(request(f"/closes/{name}"))
                if int(response.text) >= goal or time.monotonic() > deadline:
                    return int(response.text)
                if response.closes:
                    client.socket.close()
                    client.__init__(self.server.address)  # type: ignore[misc]  # the next connection
                time.sleep(0.005)


def _status(plan: Planned) -> str:
    start = plan.get("start") or [OK]
    return str(start[-1][0])[:3]


class ResponseContract(PlanContract):
    """The response is the application's, or a 500 without details."""

    def test_what_is_written_comes_before_what_is_returned(self) -> None:
        """``write()`` alone, with every kind of iterable, with empty strings, with a length."""
        for written, parts, kind in itertools.product(
            ([b"one"], [b"", b"one"], [b"one", b"", b"two"], [b""]),
            ([], [b""], [b"three"], [b"", b"three", b""]),
            ("list", "tuple", "generator", "closing"),
        ):
            body = b"".join([*written, *parts])
            assert self.plan(write=written, parts=parts, kind=kind).body == body

        length = [("200 OK", [("Content-Length", "6")], False)]
        assert self.plan(start=length, write=[b"one"], parts=[b"two"]).body == b"onetwo"

    def test_every_kind_of_iterable_is_sent(self) -> None:
        """With and without ``close`` and ``__len__``, and empty parts anywhere."""
        kinds = ("list", "tuple", "generator", "iterator", "closing", "sized", "keys")
        for kind, parts in itertools.product(
            kinds, ([], [b""], [b"a"], [b"a", b"", b"b"], [b"", b"", b"c"])
        ):
            assert self.plan(kind=kind, parts=parts).body == b"".join(parts), (kind, parts)

    def test_what_is_no_body_is_a_500(self) -> None:
        """Text, numbers, nothing at all; bytes iterate as numbers."""
        for wrong in NO_BODIES:
            assert self.plan(kind="bare", parts=wrong).status == 500, wrong
        for wrong in NO_PARTS:
            assert self.plan(kind="generator", parts=[wrong]).status == 500, wrong
            assert self.plan(write=[wrong]).status == 500, wrong

    def test_start_response_may_be_called_in_the_first_step(self) -> None:
        """Late, but before the first byte of the body."""
        for parts in ([], [b"late"], [b"", b"late"]):
            assert self.plan(late=True, parts=parts).body == b"".join(parts)
        assert self.plan(late=True, write=[b"first, "], parts=[b"late"]).body == b"first, late"

    def test_start_response_is_called_once_without_an_error(self) -> None:
        """Never and twice is a 500, wherever."""
        for start in ([], [OK, OK]):
            for late, parts in itertools.product((False, True), ([], [b""], [b"x"])):
                assert self.plan(start=start, late=late, parts=parts).status == 500

    def test_an_error_replaces_what_is_not_yet_sent(self) -> None:
        """``exc_info`` before the head has gone: status, headers and length are the second's."""
        first = ("200 OK", [("X-First", "1"), ("Content-Length", "100")], False)
        for start in ([first, LATE], [first, LATE, LATE], [LATE]):
            for kind in ("list", "generator"):
                response = self.plan(start=start, parts=[b"gone"], kind=kind)

                assert (response.status, response.body) == (404, b"gone")
                assert "X-First" not in response.head
                assert "X-Second" in response.head

    def test_an_error_after_the_head_is_raised(self) -> None:
        """The response is cut off where it is; the client sees that it is."""
        start = ("200 OK", [("Content-Length", "100")], False)
        client = self.connect(self.server)
        name = self.send_plan(client, start=[start], write=[b"begun"], parts=[FAIL], kind="closing")
        sent = client.read_to_end()
        chunked = self.plan_to_end(write=[b"begun"], parts=[FAIL], kind="generator")

        assert sent.endswith(b"\r\n\r\nbegun")
        assert self.closes(name) == 1
        assert chunked.endswith(b"\r\n5\r\nbegun\r\n")

    def test_a_length_is_a_number_and_there_is_one(self) -> None:
        """What is signed, doubled or no number is a 500."""
        for value in ("+3", "-1", "1_0", "", " ", "0x3", "3.0", "3,3", "3 3", "\u0663", "9" * 30):
            headers = [("Content-Length", value)]
            assert self.plan(start=[("200 OK", headers, False)], parts=[b"abc"]).status == 500
        for other in ("Content-Length", "content-length"):
            headers = [("Content-Length", "3"), (other, "3")]
            assert self.plan(start=[("200 OK", headers, False)], parts=[b"abc"]).status == 500

        # RFC 9110, 5.5: white space around a value is no part of it.
        headers = [("Content-Length", " 3")]
        assert self.plan(start=[("200 OK", headers, False)], parts=[b"abc"]).body == b"abc"
        # The transfer is the server's own (RFC 9112, 6.2: never both).
        headers = [("Content-Length", "3"), ("Transfer-Encoding", "chunked")]
        response = self.plan(start=[("200 OK", headers, False)], parts=[b"abc"])
        assert (response.body, "ransfer-" in response.head) == (b"abc", False)
        headers = [("Transfer-Encoding", "chunked")]
        response = self.plan(
            start=[("200 OK", headers, False)], parts=[b"a", b"b"], kind="iterator"
        )
        assert response.body == b"ab"

    def test_a_body_that_is_too_short_ends_the_connection(self) -> None:
        """Nothing else tells the client (RFC 9112, 6.3)."""
        start = [("200 OK", [("Content-Length", "10")], False)]
        for kind, parts in itertools.product(("list", "closing"), ([], [b"short"])):
            sent = self.plan_to_end(start=start, kind=kind, parts=parts)
            assert sent.endswith(b"\r\n\r\n" + b"".join(parts))
        assert self.plan_to_end(start=start, write=[b"short"]).endswith(b"\r\n\r\nshort")

    def test_a_body_that_is_too_long_is_cut(self) -> None:
        """What is behind it is not the next response; the iterable is closed all the same."""
        start = [("200 OK", [("Content-Length", "3")], False)]
        for kind in ("list", "tuple", "generator", "closing"):
            assert self.plan(start=start, kind=kind, parts=[b"ab", b"cd", b"e"]).body == b"abc"
            assert self.plan(start=start, kind=kind, parts=[b"abcd"]).body == b"abc"
        assert self.plan(start=start, write=[b"ab", b"cd"], parts=[b"ef"]).body == b"abc"
        none = [("200 OK", [("Content-Length", "0")], False)]
        assert self.plan(start=none, parts=[b"x"]).body == b""

    def test_bodiless_responses_have_no_body(self) -> None:
        """HEAD, 204 and 304, however it is given; a 304 may say what the length would be."""
        for kind in ("list", "generator", "closing"):
            for status, method in (("204 No", "GET"), ("304 Not", "GET"), ("200 OK", "HEAD")):
                for headers in ([], [("Content-Length", "5")]):
                    start = [(status, headers, False)]
                    response = self.plan(method, start=start, kind=kind, parts=[b"12345"])

                    assert response.status == int(status[:3])
                    assert "ransfer-" not in response.head
                    if status == "204 No":
                        assert "Content-Length" not in response.head
                    elif headers:
                        assert "Content-Length: 5" in response.head
            assert self.plan("HEAD", write=[b"123"], kind=kind, parts=[b"45"]).status == 200

    def test_the_end_of_the_connection_ends_a_body_in_http_1_0(self) -> None:
        """There are no chunks."""
        sent = self.plan_to_end("HTTP/1.0", kind="generator", parts=[b"one", b"two"])

        assert b"ransfer-" not in sent
        assert sent.endswith(b"\r\n\r\nonetwo")

    def test_an_invalid_status_is_a_500(self) -> None:
        """And nothing of it reaches the client."""
        for wrong in NO_STATUSES:
            response = self.plan(start=[(wrong, [], False)], parts=[b"x"])

            assert (response.status, response.body) == (500, b"500 Internal Server Error\n"), wrong
            assert "Injected" not in response.head
        for right in ("200", "200 ", "299 Any", "599 \xe9"):
            assert self.plan(start=[(right, [], False)], parts=[b"x"]).status == int(right[:3])

    def test_an_invalid_header_is_a_500(self) -> None:
        """And nothing of it reaches the client."""
        for wrong in NO_HEADERS:
            response = self.plan(start=[("200 OK", [wrong], False)], parts=[b"x"])

            assert (response.status, response.body) == (500, b"500 Internal Server Error\n"), wrong
            assert "Injected" not in response.head
        assert self.plan(start=[("200 OK", 5, False)]).status == 500
        assert self.plan(start=[("200 OK", [("X-A", "\xe9\t b")], False)]).status == 200

    def test_an_application_that_goes_on_after_its_error_sends_what_was_valid(self) -> None:
        """A refused `start_response` changes nothing."""
        bad = ("500 Bad", [("X-A", "\n")], True)
        response = self.plan(start=[OK, bad], tolerates=True, parts=[b"x"])

        assert (response.status, response.body) == (200, b"x")
        assert self.plan(start=[bad], tolerates=True, parts=[b"x"]).status == 500


class ClosingContract(PlanContract):
    """``close()`` is called once, in every path."""

    def test_an_iterable_is_closed_once(self) -> None:
        """At its end, after a failure anywhere, when no client wants its body or not all of it."""
        for plan in PLANS_TO_CLOSE:
            for method in ("GET", "HEAD"):
                client = self.connect(self.server)
                name = self.send_plan(client, method, kind="closing", **plan)

                assert client.socket.recv(1)
                assert self.closes(name) == 1, (plan, method)

    def test_an_iterable_is_closed_once_when_the_client_is_gone(self) -> None:
        """Before, during and after its response, whether it is written or returned."""
        for plan in PLANS_TO_INTERRUPT:
            for wait in ("before", "during", "after"):
                client = self.connect(self.server, receive_buffer=4096)
                name = self.send_plan(client, kind="closing", **plan)
                if wait == "during":
                    assert client.socket.recv(10)
                if wait == "after":
                    client.read()
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.socket.close()

                assert self.closes(name) == 1, (plan, wait)

    def test_an_iterable_is_closed_once_when_the_worker_stops(self, tmp_path: Path) -> None:
        """A stop finishes it."""
        path = tmp_path / "file"
        with self.serve(file=str(path)) as server:
            client = self.connect(server, receive_buffer=4096)
            client.send(request("/closing/60"))
            assert client.socket.recv(1, socket.MSG_PEEK)

            server.signal(signal.SIGTERM)
            body = client.read().body

            client.socket.close()
            assert body == BLOCK * 60
            assert server.wait() == 0
            assert Path(f"{path}.closed").read_text() == "closed\n"
