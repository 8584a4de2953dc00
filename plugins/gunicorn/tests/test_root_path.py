"""gunicorn's `root_path`."""

import asyncio

import pytest
from hookserve_gunicorn.root_path import middlewares

from hookserve.testing import serve
from hookserve.testing.contract.client import ask


async def application(scope, receive, send):
    body = f"{scope['root_path']} {scope['path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.process
def test_an_asgi_application_has_it_whatever_the_path_is():
    with serve(application, worker="asgi", settings={"root_path": "/shop"}) as server:
        assert ask(server.address, "/shop/a").text == "/shop /shop/a"
        assert ask(server.address, "/b").text == "/shop /b"
        assert "root_path" not in server.log


def test_a_lifespan_has_its_own_scope():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    around, _ = middlewares("/shop")
    wrapped = around.target(app)
    scopes = [{"type": "lifespan"}, {"type": "websocket", "root_path": ""}]
    for scope in scopes:
        asyncio.run(wrapped(scope, None, None))

    assert seen == [{"type": "lifespan"}, {"type": "websocket", "root_path": "/shop"}]
    assert scopes[1]["root_path"] == "", "the server's own scope is left alone"


def test_applications_of_other_interfaces_stay_as_they_are():
    _, other = middlewares("/shop")

    assert other.interfaces == ("wsgi", "tornado")
    assert other.target(print) is print
