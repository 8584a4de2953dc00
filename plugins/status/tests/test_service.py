"""What is answered to a command over HTTP, without a server."""

import json
import socket
from types import SimpleNamespace

import pytest
from hookserve_status.service import Handler


class FakeClient:
    """Asks no arbiter."""

    def __init__(self):
        self.asked = []

    def ask(self, verb, value, *_):
        self.asked.append((verb, value))
        return {}, -1


@pytest.fixture
def post():
    """A function that posts and returns the status, the answer and what the arbiter is asked."""

    def post(path, body=""):
        client = FakeClient()
        service = SimpleNamespace(client=client, takes_commands=True, is_draining=False)
        request = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        with socket.socket(socket.AF_UNIX) as connection:
            response = Handler(request.encode(), connection, service).response
        head, _, answer = response.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(answer), client.asked

    return post


@pytest.mark.parametrize("verb", ["scale", "recycle", "stacks"])
@pytest.mark.parametrize(
    "query",
    [
        *("", "?value", "?value=", "?count=2", "?value=1&value=2", "?value=&value=2"),
        *("?value=two", "?value=1.5", "?value=1_0", "?value=%D9%A1", "?value=+1"),
        f"?value={'1' * 5000}",
    ],
)
def test_a_command_about_a_number_is_refused_without_one(post, verb, query):
    status, answer, asked = post(f"/{verb}{query}")

    name = "N" if verb == "scale" else "INDEX"
    assert status == 400
    assert answer == {"error": f"expected one whole number: POST /{verb}?value={name}"}
    assert asked == []


def test_a_number_in_the_body_is_not_taken_for_none(post):
    assert post("/scale", "value=3")[::2] == (400, [])


@pytest.mark.parametrize("head", ["GET / HTTP/1.1\r\nHost: [", "GET http://[/ HTTP/1.1\r\nHost: x"])
def test_a_malformed_name_is_refused(head):
    service = SimpleNamespace(client=FakeClient(), takes_commands=True, is_draining=False)
    with socket.socket(socket.AF_UNIX) as connection:
        response = Handler(f"{head}\r\n\r\n".encode(), connection, service).response

    assert response.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/scale?value=0", ("scale", 0)),
        ("/scale?value=-1", ("scale", -1)),
        ("/recycle?value=12", ("recycle", 12)),
        ("/reload", ("reload", 0)),
        ("/drain", ("drain", 0)),
    ],
)
def test_a_command_is_handed_to_the_arbiter(post, path, asked):
    assert post(path) == (200, {}, [asked])
