"""What gunicorn is known to get wrong in HTTP and WSGI, and what must not happen here.

Each test names the number of the regression (W...) and runs under every worker model.  W44 (uwsgi)
and W48 (HTTP/2) do not exist here: there is no such protocol.  W43 (PROXY), W49 and W54 (TLS)
belong to the tests of those.
"""

import re
import select
import socket
import time
from functools import partial

import pytest
from support.models import MODELS
from support.paths import SUPPORT
from support.sockets import talk

from hookserve.testing import serve, wait_until
from hookserve.testing.kernel import is_read
from hookserve.testing.waiting import DEADLINE

BUFFERED = ("sync", "gthread", "epoll", "asyncio", "tornado")
HERE = SUPPORT
FILE_SIZE = 300_000
SETTINGS = {
    "header_timeout": 1,
    "limit_request_line": 0,
    "limit_request_body": 100_000,
    "access_logfile": "-",
    "access_logformat": 'ACCESS "%(U)s" "%(r)s" %(s)s %(B)s',
}


@pytest.fixture(scope="module", params=MODELS)
def worker(request):
    return request.param


@pytest.fixture(scope="module")
def server(worker, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "file"
    path.write_bytes(bytes(FILE_SIZE))
    with serve(
        "gunicorn_regressions:application",
        worker=worker,
        settings=SETTINGS,
        chdir=HERE,
        environ={"SERVED_FILE": str(path)},
    ) as running:
        yield running


def get(path, *lines, method="GET", host="Host: x"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", host, *lines, "", ""]).encode()


LAST = get("/", "Connection: close")


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def page_of(answer):
    """The lines that the application's own page says."""
    assert status_of(answer) == 200, answer
    return answer.partition(b"\r\n\r\n")[2].decode("latin-1").split("\n")


@pytest.mark.parametrize("kind", ["list", "generator"])
def test_a_response_that_is_short_of_its_length_is_not_completed_by_the_next(server, kind):
    """W40: the connection closes, what was pipelined is not answered, and the log says it."""
    answer = talk(server, get(f"/short/{kind}"), LAST)

    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"\r\n\r\nshort")
    wait_until(lambda: f"/short/{kind}: the body is 995 bytes short" in server.log)


@pytest.mark.parametrize(
    "path", ["/lengths", "/length/plus", "/length/minus", "/length/underscore", "/length/empty"]
)
def test_an_invalid_length_does_not_go_on_the_wire(server, path):
    """W41."""
    answer = talk(server, get(path))

    assert status_of(answer) == 500
    assert re.findall(rb"(?i)\r\ncontent-length: *([^\r]*)", answer) == [b"26"]


@pytest.mark.parametrize("kind", ["list", "empty", "generator"])
def test_an_application_that_starts_no_response_has_no_status_line_of_its_own(server, kind):
    """W42."""
    answer = talk(server, get(f"/silent/{kind}"))

    assert status_of(answer) == 500
    assert b"None" not in answer
    assert b"abc" not in answer


@pytest.mark.parametrize(
    "host", ["X-Host: x", "Host: a b", "Host: a/b", "Host: x\r\nHost: x", "Host: u@x", "Host: x:y"]
)
def test_an_invalid_host_reaches_no_application(server, host):
    """W45."""
    assert status_of(talk(server, get("/", host=host))) == 400


@pytest.mark.parametrize("value", ["keep-alive, close", "close, x", "x ,\tCLOSE", "Close"])
def test_an_option_among_others_is_not_overlooked(server, value):
    """W45: the Connection field is a list."""
    answer = talk(server, get("/", f"Connection: {value}"))

    assert b"\r\nConnection: close\r\n" in answer


def test_an_option_of_a_second_field_is_not_overlooked(server):
    """W45: nor is the list one of one field."""
    answer = talk(server, get("/", "Connection: keep-alive", "Connection: close"))

    assert b"\r\nConnection: close\r\n" in answer


def test_cookies_are_not_joined_with_a_comma(server):
    """W45."""
    answer = talk(server, get("/", "Cookie: a=1", "Cookie: b=2", "Connection: close"))

    assert page_of(answer)[2] == "a=1; b=2"


def test_a_prefix_does_not_match_half_a_segment(server):
    """W45: /app is no prefix of /apple."""
    within = talk(server, get("/app/le", "SCRIPT_NAME: /app", "Connection: close"))
    beside = talk(server, get("/apple", "SCRIPT_NAME: /app", "Connection: close"))

    assert page_of(within)[:2] == ["/app", "/le"]
    assert status_of(beside) == 400


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n", 400),
        (get("/", "Transfer-Encoding: sausage"), 501),
        (get("/", "Transfer-Encoding: gzip, chunked"), 501),
    ],
)
def test_no_other_parser_decides_what_is_accepted(server, request_bytes, status):
    """W46: folded lines, bare line feeds, unknown codings; there is one parser."""
    assert status_of(talk(server, request_bytes)) == status


def test_no_limit_of_the_request_line_is_still_a_limit(server):
    """W47: 0 is the largest that is ever allowed, not none."""
    with socket.create_connection(server.address, timeout=DEADLINE) as client:
        sent = 0
        client.sendall(b"GET /")
        client.setblocking(False)
        deadline = time.monotonic() + DEADLINE
        answer = b""
        while not answer:
            assert time.monotonic() < deadline
            assert sent < 8 << 20, "it is read without an end"
            try:
                sent += client.send(b"x" * 8192)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass
            if select.select([client], [], [], 0.001)[0]:
                answer = client.recv(65536)

    assert status_of(answer) == 414


def test_a_body_is_not_without_a_limit(server):
    """W47: declared or in chunks, it is refused before it has come."""
    declared = talk(server, get("/read", "Content-Length: 100001", method="POST"))
    chunked = talk(
        server, get("/read", "Transfer-Encoding: chunked", method="POST"), b"186a1\r\n" + b"x" * 10
    )

    assert status_of(declared) == status_of(chunked) == 413


def test_no_100_continue_is_sent_for_a_body_that_is_refused(server, worker):
    """W47: ``100 Continue`` comes when the application reads; where bodies are complete before the
    application runs that is the server, unless a limit forbids it."""
    expects = "Expect: 100-continue"
    too_much = talk(server, get("/", expects, "Content-Length: 100001", method="POST"))
    assert status_of(too_much) == 413

    if worker not in BUFFERED:
        unread = talk(server, get("/", expects, "Content-Length: 10", method="POST"))
        assert status_of(unread) == 200
        assert b"\r\nConnection: close\r\n" in unread


@pytest.mark.parametrize("beginning", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_a_first_head_has_a_deadline(server, beginning):
    """W50: from the moment at which the client is accepted, and each byte does not renew it."""
    began = time.monotonic()
    with socket.create_connection(server.address, timeout=DEADLINE) as client:
        client.sendall(beginning)
        client.settimeout(0.1)
        answer = None
        while answer is None:
            assert time.monotonic() - began < 5
            try:
                answer = client.recv(65536)
            except TimeoutError:
                if beginning:
                    client.sendall(b"x")

    assert 0.8 < time.monotonic() - began < 4
    assert (status_of(answer) == 408) if beginning else (answer == b"")


def test_more_connections_than_there_may_be_are_not_served(worker):
    """W50."""
    settings = {"worker_connections": 4, "header_timeout": 20}
    with serve(
        "gunicorn_regressions:application", worker=worker, settings=settings, chdir=HERE
    ) as server:
        clients = [socket.create_connection(server.address, timeout=DEADLINE) for _ in range(4)]
        for client in clients:
            client.sendall(get("/")[:-2])
        for client in clients:
            wait_until(partial(is_read, client))
        late = socket.create_connection(server.address, timeout=0.5)
        late.sendall(LAST)
        with pytest.raises(TimeoutError):
            late.recv(1)

        clients[0].close()
        late.settimeout(DEADLINE)
        assert late.recv(65536).startswith(b"HTTP/1.1 200 ")
        for client in (*clients, late):
            client.close()


def access_lines(server, word):
    """The lines of the access log with that word, once there are some."""
    found = []

    def look():
        found[:] = [each for each in server.log.splitlines() if "ACCESS" in each and word in each]
        return found

    wait_until(look)
    return found


def test_a_file_that_was_sent_is_not_logged_as_nothing(server):
    """W55."""
    assert len(talk(server, get("/file/logged", "Connection: close"))) > FILE_SIZE

    assert access_lines(server, "/file/logged")[0].endswith(f" 200 {FILE_SIZE}")


def test_a_path_does_not_begin_a_line_of_the_log(server):
    """W55: nor does it end its field."""
    talk(server, get("/%0AACCESS%20forged%22%20%0D%1b", "Connection: close"))

    line = access_lines(server, "forged")
    assert len(line) == 1
    assert line[0].startswith('ACCESS "/\\nACCESS forged\\" \\r\\x1b" "GET ')


def test_a_refused_request_has_its_line_with_what_was_understood_of_it(server):
    """W55: entries of errors miss no field."""
    talk(server, get("/refused", "Content-Length: +1", method="POST"))
    talk(server, b"NO-REQUEST-AT-ALL\r\n\r\n")

    (line,) = access_lines(server, "/refused")
    assert line == 'ACCESS "/refused" "POST /refused HTTP/1.1" 400 16'
    (line,) = access_lines(server, "NO-REQUEST")
    assert line == 'ACCESS "-" "NO-REQUEST-AT-ALL" 400 16'
