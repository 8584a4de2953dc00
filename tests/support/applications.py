"""Applications that the integration tests serve."""

import hashlib
import json
import os
import re
import time


def hello(environ, start_response):
    body = f"{os.getpid()} {os.environ['HOOKSERVE_WORKER_INDEX']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def ok(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def busy(environ, start_response):
    """Held up as its path says."""
    if environ["PATH_INFO"] == "/in-c":
        # One call into C that never gives the interpreter back.
        re.match(r"(a+)+$", "a" * 60 + "b")
    if environ["PATH_INFO"].startswith("/sleep/"):
        time.sleep(float(environ["PATH_INFO"].removeprefix("/sleep/")))  # a slow application
    return hello(environ, start_response)


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def understood(environ, start_response):
    """Answers what the server made of the request."""
    body = environ["wsgi.input"].read()
    entries = {key: value for key, value in environ.items() if isinstance(value, str)}
    digest = hashlib.sha256(body).hexdigest()
    text = json.dumps({"environ": entries, "size": len(body), "digest": digest}).encode()
    headers = [("Content-Length", str(len(text))), ("X-Method", environ["REQUEST_METHOD"])]
    start_response("200 OK", headers)
    return [text]


async def asynchronous(scope, receive, send):
    """An application of ASGI."""
