"""Health checks at the server's own addresses, under each worker model and interface."""

import pytest
from support.models import MODELS

from hookserve.testing import serve
from hookserve.testing.contract.client import ask

pytestmark = pytest.mark.process

APPLICATIONS = """
from tornado.web import Application, RequestHandler

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [b"app"]

async def asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"app"})

class Page(RequestHandler):
    def get(self):
        self.write("app")

handlers = Application([(".*", Page)])
"""


@pytest.mark.parametrize(
    ("worker", "app"),
    [*((each, "wsgi") for each in MODELS), ("asyncio", "asgi"), ("tornado", "handlers")],
)
def test_workers_answer_before_the_application_and_log_nothing(tmp_path, worker, app):
    (tmp_path / "app.py").write_text(APPLICATIONS)
    settings = {"health": True, "health_prefix": "/health/", "accesslog": "-"}
    with serve(f"app:{app}", worker=worker, chdir=tmp_path, settings=settings) as server:
        for name, text in (("ready", "ready"), ("live", "live"), ("startup", "started")):
            answer = ask(server.address, f"/health/{name}")
            assert (answer.status, answer.text, answer.closes) == (200, f"{text}\n", True)
        assert ask(server.address, "/health/else").text == "app"
        server.stop()
        assert "/health/else" in server.log
        assert "/health/ready" not in server.log
