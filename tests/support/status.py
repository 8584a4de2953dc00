"""A running server with its status at a unix socket and at a port."""

import http.client
import socket

from hookserve_status.address import check
from hookserve_status.client import StatusClient, Unreachable
from hookserve_status.ctl import run

APPLICATION = """
import os, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        while not os.path.exists("go on"):
            time.sleep(0.02)
    start_response("404 Not Found" if environ["PATH_INFO"] == "/no" else "200 OK", [])
    return [b"x" * 100]
"""

HOOKS = """
import os, time

def child_exit(server, worker):
    while os.path.exists("hold"):
        time.sleep(0.02)
"""

WAITS = """import os, time
while not os.path.exists("go on"): time.sleep(0.02)
"""
"""At the beginning of an application whose import is not to end before the test."""


class Scene:
    """A server with its status at a unix socket and at a port."""

    def __init__(self, server, path, port):
        self.server, self.path, self.port = server, path, port
        self.client = StatusClient(check(f"unix:{path}"))

    def ctl(self, *words):
        return run(["-a", f"unix:{self.path}", *words])

    def get(self, path="/", request_id="", wait=True):
        connection = http.client.HTTPConnection(*self.server.address, timeout=30)
        connection.request("GET", path, headers={"X-Request-ID": request_id})
        if not wait:
            return connection
        status = connection.getresponse().status
        connection.close()
        return status

    def fetch_at_socket(self, path="/", method="GET", **headers):
        """The status, by way of the unix socket."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.path))
        connection.request(method, path, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def fetch(self, path="/", method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response, body


def is_answered(client):
    try:
        return client.snapshot()
    except Unreachable:
        return None


def worker(scene, index):
    return next(each for each in scene.client.snapshot()["workers"] if each["index"] == index)
