"""What is answered to a command over HTTP, without a server."""

import http.client
import json
import socket
import threading
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

    def post(path, body=None):
        ours, theirs = socket.socketpair()
        client = FakeClient()
        service = SimpleNamespace(
            client=client, takes_commands=True, is_draining=True, connections={}
        )
        thread = threading.Thread(target=Handler, args=(theirs, "", service))
        thread.start()
        connection = http.client.HTTPConnection("x")
        connection.sock = ours
        connection.request("POST", path, body)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        thread.join()
        theirs.close()
        return response.status, answer, client.asked

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
