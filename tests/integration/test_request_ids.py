"""Requests have ids under every worker model, for every interface."""

import json
import os
import re
import signal

import pytest

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, request

MADE = re.compile(r"[0-9a-f]{32}")
ASGI = """
import asyncio
async def application(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError(scope["type"])
    if scope["path"] == "/sleep":
        await asyncio.sleep(60)
    found = [value for name, value in scope["headers"] if name == b"x-request-id"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b",".join(found)})
"""
WSGI = """
import time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/sleep":
        time.sleep(60)  # a slow application
    start_response("200 OK", [])
    return [environ["HTTP_X_REQUEST_ID"].encode()]
"""
TORNADO = """
import asyncio, tornado.web
class Page(tornado.web.RequestHandler):
    async def get(self):
        if self.request.path == "/sleep":
            await asyncio.sleep(60)
        self.write(",".join(self.request.headers.get_list("X-Request-ID")))
application = tornado.web.Application([("/.*", Page)])
"""
MODELS = (
    ("gthread", WSGI),
    ("gevent", WSGI),
    ("asyncio", ASGI),
    *(
        pytest.param(model, text, marks=pytest.mark.everywhere)
        for model, text in (
            ("sync", WSGI),
            ("epoll", WSGI),
            ("eventlet", WSGI),
            ("asyncio", WSGI),
            ("tornado", WSGI),
            ("tornado", TORNADO),
        )
    ),
)


def exchange(server, data):
    """The response to it, and the id in its head."""
    with Client(server.address) as client:
        response = client.ask(data)
    (found,) = re.findall(r"\r\nX-Request-ID: (.*?)(?:\r|$)", response.head)
    return response, found


def log_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(("model", "text"), MODELS)
def test_application_response_and_logs_have_one_id(tmp_path, model, text):
    (tmp_path / "shop.py").write_text(text)
    log = tmp_path / "access.log"
    settings = {
        "request_id": "X-Request-ID",
        "accesslog": str(log),
        "access_log_format": "json",
        "slow_request": 0.2,
        "graceful_timeout": 1,
    }
    with serve("shop:application", worker=model, chdir=tmp_path, settings=settings) as server:
        given, first = exchange(server, request("/", "X-Request-ID: a-1\r\n"))
        made, second = exchange(server, request())
        _, third = exchange(server, b"NONSENSE\r\n\r\n")
        assert first == given.text == "a-1"
        assert second == made.text
        assert MADE.fullmatch(second)
        ids = [first, second, third]
        assert len(set(ids)) == 3
        wait_until(lambda: {each["request_id"] for each in log_of(log)} == set(ids))

        with Client(server.address) as client:
            client.send(request("/sleep", "X-Request-ID: the-slow-one\r\n"))
            wait_until(lambda: "GET /sleep [the-slow-one]" in server.log)  # slow_request
            os.kill(server.workers()[0], signal.SIGKILL)
            wait_until(lambda: "lost with worker 0" in server.log)
            lost = next(line for line in server.log.splitlines() if "lost with worker 0" in line)
            assert "GET /sleep [the-slow-one]" in lost
            wait_until(lambda: log_of(log)[-1]["request_id"] == "the-slow-one")


def test_workers_make_ids_that_no_other_makes(tmp_path):
    """Not even where they have loaded the application, and its random numbers, before the fork."""
    (tmp_path / "shop.py").write_text(f"import random\nrandom.seed(1)\n{WSGI}")
    settings = {"request_id": "X-Request-ID", "preload_app": True}
    with serve(
        "shop:application", workers=3, chdir=tmp_path, settings=settings, worker="sync"
    ) as server:
        ids = {ask(server.address).text for _ in range(30)}
        assert len(ids) == 30
