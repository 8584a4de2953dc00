"""The pages for authors of protocols, wrappers and tests show what there is, and what works."""

import asyncio
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hookserve_http.suspendable import SuspendableExchange
from hookserve_http.suspending import SuspendingProtocol
from support.asgi import Client, Transport, make_protocol
from support.coroutines import turns
from support.pages import blocks_of

from hookserve.protocol import seam
from hookserve.testing import ProtocolContract

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
EXAMPLE = ROOT / "examples" / "hookserve-resp"
PROTOCOLS = GUIDE / "protocols.md"
SHOWN = [
    pytest.param(block, id=f"{block.title}:{block.line}")
    for block in blocks_of(PROTOCOLS)
    if block.title
]


def without_blank_lines(text):
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("block", SHOWN)
def test_a_block_of_the_tutorial_is_a_part_of_the_example(block):
    source = without_blank_lines((EXAMPLE / block.title).read_text())
    shown = without_blank_lines(block.text)

    # Methods are shown without the indentation of their class.
    assert shown in source or textwrap.indent(shown, "    ") in source


def test_every_file_of_the_tutorial_is_shown_in_its_order():
    found = {}
    for block in blocks_of(PROTOCOLS):
        if block.title:
            source = (EXAMPLE / block.title).read_text()
            found.setdefault(block.title, []).append(source.index(block.text.splitlines()[0]))

    # What is told of stopping and of services comes where the text has come to it.
    assert found.keys() >= {f"hookserve_resp/{name}.py" for name in ("protocol", "subscription")}
    assert found["hookserve_resp/protocol.py"] == sorted(found["hookserve_resp/protocol.py"])
    assert found["hookserve_resp/exchange.py"] == sorted(found["hookserve_resp/exchange.py"])


def test_the_table_of_states_is_that_of_the_seam():
    states = re.findall(r"^\| `([A-Z_]+)` \|", PROTOCOLS.read_text(), re.MULTILINE)

    assert [getattr(seam, state) for state in states] == list(range(7))


def test_the_table_of_calls_names_methods_of_a_connection():
    table = PROTOCOLS.read_text().partition("| the worker calls |")[2].partition("\n\n")[0]
    calls = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert calls == ["run", "feed", "drained", "leave", "disconnected"]
    assert all(hasattr(seam.Connection, name) for name in calls)


def test_the_attributes_of_the_contract_are_those_of_the_page():
    page = (GUIDE / "testing-plugins.md").read_text()
    table = page.partition("## A protocol")[2].partition("## Without")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    (base,) = [each for each in ProtocolContract.__mro__ if each.__name__ == "ProtocolBase"]
    own = {*vars(base), *base.__annotations__} - {"worker", "setup_class", "make", "make_again"}

    assert listed == {name for name in own if not name.startswith("_")}


def blocks_with_titles(*pages):
    return {
        block.title: block.text
        for page in pages
        for block in blocks_of(GUIDE / page)
        if block.title
    }


@pytest.mark.process
@pytest.mark.parametrize("name", ["test_counted.py", "test_resp.py"])
def test_the_tests_of_the_page_pass(tmp_path, name):
    files = blocks_with_titles("wrappers.md", "testing-plugins.md")
    for path in ("counted.py", name):
        (tmp_path / path).write_text(files[path])

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert re.search(r"^1 passed", result.stdout, re.MULTILINE), result.stdout


def test_the_wrapper_of_the_page_counts_for_suspended_exchanges_too():
    scope = {}
    exec(blocks_with_titles("wrappers.md")["counted.py"], scope)
    transport = scope["CountingTransport"]

    # A transport that does not pass something on would take the default of the base class.
    public = {name for name in vars(seam.Transport) if not name.startswith("_")}
    assert public <= set(vars(transport))


@pytest.fixture
def call():
    """Makes a client of an application of the interface that the page makes over HTTP."""
    (block,) = [
        each for each in blocks_of(PROTOCOLS) if each.language == "python" and not each.title
    ]
    scope = {
        "asyncio": asyncio,
        "RequestCancelled": seam.RequestCancelled,
        "SuspendableExchange": SuspendableExchange,
        "SuspendingProtocol": SuspendingProtocol,
    }
    exec(f"from __future__ import annotations\n{block.text}", scope)
    loop = asyncio.new_event_loop()
    starters = []

    def make(application, **settings):
        protocol = make_protocol(loop, application, scope["CallProtocol"], **settings)
        starters.append(protocol.worker.starter)
        return Client(protocol, Transport())

    yield make
    for each in starters:
        each.close()
    turns(loop)
    loop.close()


async def echo(method, target, fields, body):
    return (
        "200 OK",
        [("X-Host", dict(fields)[b"host"].decode())],
        f"{method} {target} ".encode() + body,
    )


async def slow_echo(*request):
    await asyncio.sleep(0)
    return await echo(*request)


POST = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"
ECHOED = b"HTTP/1.1 200 OK\r\nX-Host: h\r\nContent-Length: 10\r\n\r\nPOST /x ok"


@pytest.mark.parametrize("application", [echo, slow_echo])
@pytest.mark.parametrize("pieces", [[POST + b"ok"], [POST, b"o", b"k"]])
def test_the_interface_of_the_page_serves_requests(call, application, pieces):
    client = call(application)
    for piece in pieces * 2:
        client.feed(piece)

    assert client.sent == ECHOED * 2
    assert client.state == seam.IDLE
    assert client.protocol.worker.ended == [(2, 10), (2, 10)]


def test_an_application_of_the_page_that_fails_is_an_error_page(call):
    async def fail(*request):
        await asyncio.sleep(0)
        raise ValueError("on purpose")

    client = call(fail).feed(POST + b"ok")

    assert client.sent.startswith(b"HTTP/1.1 500")
    assert client.is_closed


@pytest.mark.parametrize("pieces", [[POST, b"o"], [POST + b"ok"]])
def test_an_exchange_of_the_page_ends_when_its_client_leaves(call, pieces):
    gate = []

    async def wait(*request):
        gate.append(asyncio.get_running_loop().create_future())
        await gate[0]
        return await echo(*request)

    client = call(wait)
    for piece in pieces:
        client.feed(piece)
    client.leave()
    if gate:
        gate[0].set_result(None)
    client.turn()

    assert len(client.protocol.worker.ended) == 1


def test_an_application_of_the_page_that_waits_too_long_is_cancelled(call):
    client = call(lambda *request: asyncio.sleep(60), request_timeout=0.01).feed(POST + b"ok")
    client.wait(lambda: client.is_closed)

    assert client.sent.startswith(b"HTTP/1.1 503")


def test_what_the_page_says_of_exchanges_and_connections_is_there():
    section = PROTOCOLS.read_text().partition("## Another interface over HTTP")[2]
    steps = section.partition("in this order:")[2].partition("Override a method")[0]
    known = {*dir(SuspendableExchange), "pre_request", "post_request", "log_access", "OSError"}

    named = set(re.findall(r"`(\w+)`", steps))
    assert named - known == set()
