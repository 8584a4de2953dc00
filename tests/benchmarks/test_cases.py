"""The requests are what their names say, and the answers what the application gives."""

import asyncio
import io
import json
import subprocess
import sys

import pytest

from benchmarks import application, asgi_application, cases, contenders, matrix, servers
from benchmarks.environments import ROOT

CASES = [case for case, _ in matrix.MATRIX]
PLAIN = [case for case in CASES if case.application in (cases.APPLICATION, cases.HELLO_APPLICATION)]

LIFESPAN = ("startup", "shutdown")


def parse(request):
    """Method, path, query, headers and body of the first of some requests."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    method, target, _ = line.split(" ")
    path, _, query = target.partition("?")
    return method, path, query, dict(each.split(": ", 1) for each in lines), body


def body_of(headers, body):
    if "Transfer-Encoding" not in headers:
        return body[: int(headers.get("Content-Length", 0))]
    file, pieces = io.BytesIO(body), []
    while size := int(file.readline(), 16):
        pieces.append(file.read(size))
        assert file.readline() == b"\r\n"
    return b"".join(pieces)


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
def test_the_application_gives_the_answers_that_are_expected(case):
    for request, expected in case.questions:
        method, path, query, headers, body = parse(request)
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(body_of(headers, body)),
        }

        given = b"".join(application.application(environ, lambda status, _: status))

        assert given == expected


def test_the_asgi_application_gives_the_answer_that_is_expected():
    def run(scope, *received):
        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        messages, sent = list(received), []
        asyncio.run(asgi_application.application(scope, receive, send))
        return sent

    (start, body), lifetime = (
        run({"type": "http"}),
        run({"type": "lifespan"}, *({"type": f"lifespan.{each}"} for each in LIFESPAN)),
    )

    assert start["status"] == 200
    assert dict(start["headers"])[b"content-length"] == b"%d" % len(cases.ASGI.body)
    assert body["body"] == cases.ASGI.body
    assert [each["type"] for each in lifetime] == [f"lifespan.{each}.complete" for each in LIFESPAN]


def test_a_browsers_head_has_eleven_headers_and_a_bare_one_the_least():
    assert len(parse(cases.BROWSER.request)[3]) == 11
    assert list(parse(cases.BARE.request)[3]) == ["Host"]
    assert parse(cases.FRESH.request)[3]["Connection"] == "close"


def test_pipelined_requests_are_as_many_as_their_answers():
    assert cases.PIPELINING.request.count(b"GET / HTTP/1.1\r\n") == cases.PIPELINING.answers


ASKED = """
from wsgiref.util import setup_testing_defaults
from benchmarks.application import page
from benchmarks.{}_page import application
environ = {{}}
setup_testing_defaults(environ)
assert b"".join(application(environ, lambda *words: None)) == page()
"""


@pytest.mark.process
@pytest.mark.parametrize("framework", ["flask", "django"])
def test_both_frameworks_give_the_page_that_is_expected(framework):
    subprocess.run([sys.executable, "-c", ASKED.format(framework)], cwd=ROOT, check=True)


def test_names_are_given_once_and_every_distribution_can_be_installed():
    names = [case.name for case in CASES]
    known = {"hookserve", "nginx", *contenders.PEER_REQUIREMENTS}
    shown = [each for _, several in matrix.MATRIX for each in several]
    paired = [each for pair in matrix.QUICK for each in (pair.ours, pair.theirs)]

    assert len(set(names)) == len(names)
    assert {each.distribution for each in (*shown, *paired)} <= known
    assert all(len({each.name for each in several}) == len(several) for _, several in matrix.MATRIX)


@pytest.mark.parametrize("case", [cases.BARE, cases.ACCESS_LOG], ids=lambda case: case.name)
@pytest.mark.parametrize(
    "contender",
    dict.fromkeys(each for _, several in matrix.MATRIX for each in several),
    ids=lambda each: each.name,
)
def test_a_command_is_filled_in(contender, case, tmp_path):
    words = servers.prepare(contender, case, tmp_path, 8123)

    everything = json.dumps(words) + "".join(each.read_text() for each in tmp_path.iterdir())
    assert "8123" in everything
    assert "{port}" not in everything
    assert "{directory}" not in everything
    if case.has_access_log and contender.access_log:
        assert contender.access_log[0] in words
