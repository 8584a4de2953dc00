#!/usr/bin/env python3
"""A stand-in for kamal-proxy, which is in no registry that the tests reach.

``kamal-proxy run`` serves.  ``kamal-proxy deploy SERVICE --target HOST:PORT ...``, which Kamal runs
in the container, does what kamal-proxy does: it asks the health path of the new target until it
says 2xx, sends new requests there, and returns when the old target has answered what was under way.
When the target does not become healthy it fails, and changes nothing.  Connections are kept.
"""

import argparse
import http.client
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, CONTROL_PORT = 80, 8001
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}


class Target:
    """A container of the service."""

    def __init__(self, address):
        self.address = address
        self.under_way = 0
        self._idle = []

    def ask(self, method, path, headers, body):
        """A response and its body.  A connection that was closed meanwhile is replaced for GET."""
        while True:
            connection, is_kept = self._take()
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                received = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if is_kept and method == "GET":
                    continue
                raise
            if not response.will_close:
                self._idle.append(connection)
            return response, received

    def close(self):
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

    def _take(self):
        try:
            return self._idle.pop(), True
        except IndexError:
            return http.client.HTTPConnection(self.address), False

    def is_healthy(self, path, timeout):
        """Whether its health path says 2xx within the timeout, in seconds."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        try:
            connection.request("GET", path)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Router:
    """Which target gets the requests."""

    def __init__(self):
        self._target = None
        self._changed = threading.Condition()

    def ask(self, *request):
        with self._changed:
            target = self._target
            target.under_way += 1
        try:
            return target.ask(*request)
        finally:
            with self._changed:
                target.under_way -= 1
                self._changed.notify_all()

    def deploy(self, address, path, interval, timeout, deploy_timeout, drain_timeout):
        """Switch to a target.  Returns what went wrong; empty: nothing.  Durations are seconds."""
        target, deadline = Target(address), time.monotonic() + deploy_timeout
        while not target.is_healthy(path, timeout):
            if time.monotonic() > deadline:
                return "target failed to become healthy within configured timeout"
            time.sleep(interval)
        with self._changed:
            self._target, old = target, self._target
            if old is not None:
                self._changed.wait_for(lambda: not old.under_way, drain_timeout)
                old.close()
        return ""

    def close(self):
        self._target.close()


ROUTER = Router()


class Forwarding(BaseHTTPRequestHandler):
    """A client's connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        headers["X-Forwarded-For"] = self.client_address[0]
        try:
            response, received = ROUTER.ask(self.command, self.path, headers, body)
        except (OSError, http.client.HTTPException, AttributeError) as error:
            self.send_error(502, repr(error))
            return
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(received)

    do_GET = do_POST = _forward

    def log_message(self, *_):
        pass


class Control(BaseHTTPRequestHandler):
    """Of `kamal-proxy deploy`, in the same container."""

    def do_POST(self):
        words = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(ROUTER.deploy(**words).encode())


def _seconds(text):
    return float(text.removesuffix("s"))


def run(_):
    control = ThreadingHTTPServer(("127.0.0.1", CONTROL_PORT), Control)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("", PORT), Forwarding).serve_forever()


def deploy(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--target")
    parser.add_argument("--health-check-path", default="/up")
    for name, seconds in {"interval": 1.0, "timeout": 5.0}.items():
        parser.add_argument(f"--health-check-{name}", type=_seconds, default=seconds)
    for name in ("deploy", "drain"):
        parser.add_argument(f"--{name}-timeout", type=_seconds, default=30.0)
    found, _ = parser.parse_known_args(words)
    body = {key.removeprefix("health_check_"): value for key, value in vars(found).items()}
    body["address"] = body.pop("target")
    connection = http.client.HTTPConnection("127.0.0.1", CONTROL_PORT)
    connection.request("POST", "/", json.dumps(body))
    sys.exit(connection.getresponse().read().decode() or 0)


if __name__ == "__main__":
    {"run": run, "deploy": deploy}[sys.argv[1]](sys.argv[2:])
