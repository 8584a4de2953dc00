"""Bodies that are read while they arrive: `buffer_bodies` off under blocking models."""

import pytest

from hookserve.testing import serve
from hookserve.testing.contract.client import Client, request

BLOCK = bytes(65536)
MODELS = ("sync", "gthread")


def application(environ, start_response):
    if environ["PATH_INFO"] == "/unread":
        start_response("200 OK", [("Content-Length", "6")])
        return [b"unread"]
    start_response("200 OK", [])
    return read_piecewise(environ["wsgi.input"])


def read_piecewise(body):
    while piece := body.read(len(BLOCK)):
        yield b"%d " % len(piece)


@pytest.fixture(params=MODELS)
def client(request):
    settings = {"buffer_bodies": False}
    with (
        serve(application, worker=request.param, settings=settings) as server,
        Client(server.address) as client,
    ):
        yield client


def test_the_application_runs_after_the_first_part(client):
    client.send(request("/", f"Content-Length: {2 * len(BLOCK)}\r\n", "POST") + BLOCK)
    begun = client.socket.recv(100)

    client.send(BLOCK)

    assert begun.startswith(b"HTTP/1.1 200 OK")
    rest = b""
    while not rest.endswith(b"0\r\n\r\n"):
        rest += client.socket.recv(65536)


def test_an_unread_body_that_is_too_large_to_drain_ends_the_connection(client):
    client.send(request("/unread", "Content-Length: 10000000\r\n", "POST") + BLOCK)
    response = client.read()

    assert (response.text, response.closes) == ("unread", True)


def test_100_continue_is_not_sent_when_the_application_refuses(client):
    lines = "Content-Length: 5\r\nExpect: 100-continue\r\n"
    client.send(request("/unread", lines, "POST"))
    response = b""
    while part := client.socket.recv(65536):
        response += part

    assert response.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in response
