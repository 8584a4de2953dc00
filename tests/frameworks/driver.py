"""Drives one framework's application: ten endpoints, each with what it must respond."""

import asyncio
import hashlib
import os
import signal
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trustme
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from hookserve.testing import serve

COLUMNS = ("plain", "plain, HUP", "plain, TERM", "TLS", "TLS, HUP", "TLS, TERM")
APPS = Path(__file__).with_name("apps")
UPLOAD = os.urandom(1 << 16) * 80  # 5 MiB
ROUNDS = 3
"""So often the endpoints are asked for while workers are replaced."""
RESTART = 1012
"""The close code of a server that stops, or a worker (RFC 6455, 7.4.1, and IANA)."""
PIECES = "".join(f"piece {number}\n" for number in range(5))
EVENTS = ["data: 0", "data: 1", "data: 2"]


class Certificates:
    """A certificate for this machine, and whom a client has to trust for it."""

    def __init__(self, directory):
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        self.certfile, self.keyfile = str(directory / "cert.pem"), str(directory / "key.pem")
        certificate.private_key_pem.write_to_path(self.keyfile)
        for number, blob in enumerate(certificate.cert_chain_pems):
            blob.write_to_path(self.certfile, append=number > 0)
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)

    @property
    def settings(self):
        """The server's."""
        return {"certfile": self.certfile, "keyfile": self.keyfile}


@dataclass
class Cell:
    """What came of one column."""

    passed: int = 0
    failures: list = field(default_factory=list)

    @property
    def shown(self):
        total = self.passed + len(self.failures)
        return f"{self.passed}" if not self.failures else f"**{self.passed} of {total}**"


def drive(framework, certificates):
    """A cell for each column."""
    app = f"{framework}_app:app"
    found = []
    for settings, context in ((None, None), (certificates.settings, certificates.context)):
        with serve(app, worker="asyncio", workers=2, chdir=APPS, settings=settings) as server:
            found.append(ask_all(server.address, context))
            found.append(while_changing(server, context))
            found.append(while_stopping(server, context))
    return found


def while_changing(server, context):
    """All endpoints, again and again, while HUP comes after HUP."""
    cell, is_over = Cell(), threading.Event()

    def change():
        for count in range(1, ROUNDS + 1):
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", count=count)
        is_over.set()

    thread = threading.Thread(target=change)
    thread.start()
    while not is_over.is_set():
        ask_all(server.address, context, cell, is_reloading=True)
    thread.join()
    return cell


def while_stopping(server, context):
    """What has begun when TERM comes ends as it would have, and websockets are told to go."""
    cell = Cell()
    try:
        asyncio.run(stop_amid(server, context, cell))
    except Exception as error:  # whatever goes wrong is the cell's
        cell.failures.append(f"during TERM: {error!r}")
    check(cell, "exit code", server.wait() == 0)
    return cell


async def stop_amid(server, context, cell):
    """Send TERM amid an upload, two streams and a websocket."""
    is_stopping = asyncio.Event()

    async def halves():
        yield UPLOAD[: len(UPLOAD) // 2]
        await is_stopping.wait()
        yield UPLOAD[len(UPLOAD) // 2 :]

    async with client_of(server.address, context, httpx.AsyncClient) as client:
        sent = asyncio.create_task(client.post("/upload", content=halves()))
        async with (
            websocket_to(server.address, context) as websocket,
            client.stream("GET", "/stream") as response,
            client.stream("GET", "/sse") as events,
        ):
            await websocket.send("before")
            check(cell, "websocket", await websocket.recv() == "before")
            pieces, lines = response.aiter_text(), events.aiter_lines()
            text = await anext(pieces)
            server.signal(signal.SIGTERM)
            is_stopping.set()
            text += "".join([piece async for piece in pieces])
            check(cell, "stream", text == PIECES, text)
            check(cell, "sse", *are_events([line async for line in lines]))
            check(cell, "upload", *is_upload((await sent).json()))
            check(cell, "websocket told to go", *await close_code(websocket))


async def close_code(websocket):
    try:
        await asyncio.wait_for(websocket.recv(), 10)
    except ConnectionClosedError as error:
        code = error.rcvd and error.rcvd.code
        return code == RESTART, code
    return False, "a message"


def check(cell, name, is_right, found=""):
    """Count one answer."""
    if is_right:
        cell.passed += 1
    else:
        cell.failures.append(f"{name}: {str(found)[:200]!r}")


def ask_all(address, context, cell=None, is_reloading=False):
    """Each endpoint once, over connections that are kept."""
    cell = cell or Cell()
    with client_of(address, context, httpx.Client) as client:
        for name, ask in ENDPOINTS.items():
            try:
                check(cell, name, *ask(client, is_reloading))
            except Exception as error:  # whatever goes wrong is the cell's
                cell.failures.append(f"{name}: {error!r}")
    try:
        check(cell, "websocket", *asyncio.run(echo(address, context, is_reloading)))
    except Exception as error:  # as above
        cell.failures.append(f"websocket: {error!r}")
    return cell


def client_of(address, context, kind):
    """A client of HTTP, of that class of httpx."""
    host, port = address
    scheme = "https" if context else "http"
    return kind(base_url=f"{scheme}://{host}:{port}", verify=context or True, timeout=30)


def websocket_to(address, context, sock=None):
    """A client in one thread: the synchronous one reads from a TLS connection in one thread and
    writes in another, which OpenSSL does not allow, and now and then it loses its own handshake."""
    host, port = address
    return connect(f"{'wss' if context else 'ws'}://{host}:{port}/echo", ssl=context, sock=sock)


async def echo(address, context, is_reloading):
    """Messages there and back; a websocket that is told to go is opened again."""
    while True:
        try:
            return await echo_once(address, context)
        except ConnectionClosedError as error:
            if not (is_reloading and error.rcvd and error.rcvd.code == RESTART):
                raise


async def echo_once(address, context):
    messages = ["text", b"bytes", "x" * 100000]
    async with websocket_to(address, context) as websocket:
        for message in messages:
            await websocket.send(message)
        found = [await asyncio.wait_for(websocket.recv(), 10) for _ in messages]
    return found == messages, found


def json(client, _):
    found = client.get("/json", params={"a": "1", "b": "é"}).json()
    return found == {"method": "GET", "query": {"a": "1", "b": "é"}}, found


def form(client, _):
    sent = {"name": "Zoë", "colour": "red & blue"}
    found = client.post("/form", data=sent)
    return found.status_code == 200 and found.json() == sent, found.text


def upload(client, _):
    return is_upload(client.post("/upload", content=UPLOAD).json())


def is_upload(found):
    return found == {"size": len(UPLOAD), "digest": hashlib.sha256(UPLOAD).hexdigest()}, found


def stream(client, _):
    found = client.get("/stream").text
    return found == PIECES, found


def sse(client, _):
    found = client.get("/sse")
    are_right, lines = are_events(found.text.splitlines())
    return are_right and "event-stream" in found.headers["content-type"], lines


def are_events(lines):
    found = [line for line in lines if line.startswith("data:")]
    return found == EVENTS, lines


def background(client, is_reloading):
    """The next request is on the same connection, so in the same worker."""
    name = os.urandom(4).hex()
    found = client.post("/background", params={"name": name})
    if found.text != "begun":
        return False, found.text
    for _ in range(200):
        if name in client.get("/done").json():
            return True, ""
        if is_reloading:
            return True, ""  # the worker that has done it may be gone
    return False, "it is not done"


def state(client, _):
    found = client.get("/state").text
    return found == "hello", found


def missing(client, _):
    found = client.get("/missing").status_code
    return found == 404, found


def error(client, _):
    found = client.get("/error").status_code
    return found == 500, found


ENDPOINTS = {
    each.__name__: each
    for each in (json, form, upload, stream, sse, background, state, missing, error)
}
