"""The stand-in for kamal-proxy switches as kamal-proxy does."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.image.proxy import Router


class Release(BaseHTTPRequestHandler):
    """Says its server's name; `/slow` waits until the test lets it go on."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            self.server.entered.set()
            self.server.released.wait(10)
        body = self.server.label
        self.send_response(200 if self.server.is_healthy or self.path != "/-/ready" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def release():
    """Starts a release; its server."""
    servers = []

    def start(label, *, is_healthy=True):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Release)
        server.label, server.is_healthy = label, is_healthy
        server.entered, server.released = threading.Event(), threading.Event()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def router():
    with contextlib.closing(Router()) as router:
        yield router


def deploy(router, server, deploy_timeout=5):
    address = f"127.0.0.1:{server.server_address[1]}"
    return router.deploy(address, "/-/ready", 0.01, 1, deploy_timeout, 10)


def ask(router, path="/"):
    return router.ask("GET", path, {}, None)[1]


def test_new_requests_go_to_the_target_that_was_deployed_last(router, release):
    for label in (b"r1", b"r2"):
        assert deploy(router, release(label)) == ""
        assert ask(router) == label


def test_a_target_that_is_not_healthy_changes_nothing(router, release):
    deploy(router, release(b"r1"))

    assert "healthy" in deploy(router, release(b"r2", is_healthy=False), deploy_timeout=0.1)
    assert ask(router) == b"r1"


def test_a_deploy_returns_when_the_old_target_has_answered(router, release):
    old = release(b"r1")
    deploy(router, old)
    answers = []
    slow = threading.Thread(target=lambda: answers.append(ask(router, "/slow")))
    slow.start()
    old.entered.wait(5)
    deploying = threading.Thread(target=deploy, args=(router, release(b"r2")))
    deploying.start()

    deploying.join(0.2)
    assert deploying.is_alive()
    old.released.set()
    deploying.join(5)
    slow.join(5)
    assert not deploying.is_alive()
    assert answers == [b"r1"]
