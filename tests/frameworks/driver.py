"""Drives one framework's application: ten endpoints, each with what it must respond."""

import hashlib
import os
import signal
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trustme
from websockets.sync.client import connect

from hookserve.testing import serve

COLUMNS = ("plain", "TLS", "during HUP", "during TERM")
APPS = Path(__file__).with_name("apps")
UPLOAD = os.urandom(1 << 16) * 80  # 5 MiB
ROUNDS = 3
"""So often the endpoints are asked for while workers are replaced."""


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
    with serve(app, worker="asyncio", workers=2, chdir=APPS) as server:
        plain = ask_all(server.address, None)
    secure = serve(app, worker="asyncio", workers=2, chdir=APPS, settings=certificates.settings)
    with secure as server:
        tls = ask_all(server.address, certificates.context)
        at_reload = while_changing(server, certificates.context)
    with serve(app, worker="asyncio", workers=2, chdir=APPS) as server:
        at_stop = while_stopping(server)
    return plain, tls, at_reload, at_stop


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


def while_stopping(server):
    """What has begun when TERM comes ends as it would have."""
    cell = Cell()
    host, port = server.address
    base = f"http://{host}:{port}"
    with (
        httpx.Client(base_url=base, timeout=30) as client,
        client.stream("GET", "/stream") as response,
        connect(f"ws://{host}:{port}/echo") as websocket,
    ):
        websocket.send("before")
        check(cell, "websocket before TERM", websocket.recv(timeout=10) == "before")
        pieces = response.iter_text()
        text = next(pieces)
        server.signal(signal.SIGTERM)
        text += "".join(pieces)
        check(cell, "stream", text == "".join(f"piece {n}\n" for n in range(5)), text)
        code = None
        try:
            websocket.recv(timeout=10)
        except Exception as error:  # the library's own kinds, by version
            code = getattr(getattr(error, "rcvd", None), "code", repr(error))
        check(cell, "websocket told to go", code == 1012, code)
    check(cell, "exit code", server.wait() == 0)
    return cell


def check(cell, name, is_right, found=""):
    """Count one answer."""
    if is_right:
        cell.passed += 1
    else:
        cell.failures.append(f"{name}: {str(found)[:200]!r}")


def ask_all(address, context, cell=None, is_reloading=False):
    """Each endpoint once, over connections that are kept."""
    cell = cell or Cell()
    host, port = address
    scheme = "https" if context else "http"
    verify = context or True
    with httpx.Client(base_url=f"{scheme}://{host}:{port}", verify=verify, timeout=30) as client:
        for name, ask in ENDPOINTS.items():
            try:
                check(cell, name, *ask(client, is_reloading))
            except Exception as error:  # whatever goes wrong is the cell's
                cell.failures.append(f"{name}: {error!r}")
    try:
        check(cell, "websocket", *echo(host, port, context))
    except Exception as error:  # as above
        cell.failures.append(f"websocket: {error!r}")
    return cell


def echo(host, port, context):
    scheme = "wss" if context else "ws"
    with connect(f"{scheme}://{host}:{port}/echo", ssl=context) as websocket:
        messages = ["text", b"bytes", "x" * 100000]
        for message in messages:
            websocket.send(message)
        found = [websocket.recv(timeout=10) for _ in messages]
    return found == messages, found


def json(client, _):
    found = client.get("/json", params={"a": "1", "b": "é"}).json()
    return found == {"method": "GET", "query": {"a": "1", "b": "é"}}, found


def form(client, _):
    sent = {"name": "Zoë", "colour": "red & blue"}
    found = client.post("/form", data=sent)
    return found.status_code == 200 and found.json() == sent, found.text


def upload(client, _):
    found = client.post("/upload", content=UPLOAD).json()
    return found == {"size": len(UPLOAD), "digest": hashlib.sha256(UPLOAD).hexdigest()}, found


def stream(client, _):
    found = client.get("/stream").text
    return found == "".join(f"piece {number}\n" for number in range(5)), found


def sse(client, _):
    found = client.get("/sse")
    lines = [line for line in found.text.splitlines() if line.startswith("data:")]
    kind = found.headers["content-type"]
    return lines == ["data: 0", "data: 1", "data: 2"] and "event-stream" in kind, found.text


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
