"""Formats of the access log."""

import base64
import json
import os
import re

import pytest
from hookserve_logging import formats, jsonlines
from hookserve_logging.clock import Clock

from hookserve import AccessRecord, ConfigError

ENVIRON = {
    "REMOTE_ADDR": "192.0.2.1",
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/a%20b?c=d",
    "PATH_INFO": "/a b",
    "QUERY_STRING": "c=d",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_USER_AGENT": 'curl "quoted"',
    "HTTP_REFERER": "http://x/",
    "HTTP_X_REQUEST_ID": "abc",
    "HTTP_AUTHORIZATION": "Basic YWRhOnNlY3JldA==",
    "CONTENT_TYPE": "text/plain",
}


def record(**changes):
    values = {
        "environ": ENVIRON,
        "status_code": 200,
        "headers": [("X-Out", "o"), ("X-B", "a")],
        "sent": 5,
        "began": 1000.0,
        "ended": 1001.2345678,
        "reason": "",
        "request_line": "",
    }
    return AccessRecord(**{**values, **changes})


def text_lines(text, tick=tuple):
    """The line of a record, as a function."""
    return _answering(lambda write: formats.compile_format(text, Clock(tick), write))


def json_lines(tick=tuple, with_ids=False):
    return _answering(lambda write: jsonlines.compile_json(Clock(tick), write, with_ids))


def _answering(compile_it):
    written = []
    log = compile_it(written.append)

    def line(record):
        log(record)
        return written.pop()

    return line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("%(h)s %(l)s %(u)s", "192.0.2.1 - ada"),
        ('"%(r)s" %(s)s', '"GET /a%20b?c=d HTTP/1.1" 200'),
        ("%(m)s %(U)s %(q)s %(H)s", "GET /a b c=d HTTP/1.1"),
        ("%(b)s %(B)s", "5 5"),
        ("%(f)s %(a)s", 'http://x/ curl \\"quoted\\"'),
        ("%(T)s %(M)s %(D)s %(L)s", "1 1234 1234567 1.234568"),
        ("%({x-request-id}i)s %({X-Absent}i)s", "abc -"),
        ("%({content-type}i)s", "text/plain"),
        ("%({x-out}o)s %({absent}o)s", "o -"),
        ("%({REMOTE_ADDR}e)s %({absent}e)s", "192.0.2.1 -"),
        ("%({remote_addr}e)s %({Absent}e)s", "192.0.2.1 -"),
        ("100%% %(s)s", "100% 200"),
        ("no fields", "no fields"),
    ],
)
def test_a_format_makes_a_line(text, line):
    assert text_lines(text)(record()) == line


def test_what_takes_more_than_a_day_is_not_shortened_by_it():
    """W55."""
    line = text_lines("%(T)s %(M)s %(D)s")(record(began=0.0, ended=90061.5))

    assert line == "90061 90061500 90061500000"


def test_time_and_process_are_there():
    line = text_lines("%(t)s %(p)s")(record())

    assert re.fullmatch(r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] <\d+>", line)


@pytest.mark.parametrize(
    "lines", [lambda tick: text_lines("%(t)s", tick), json_lines], ids=["text", "json"]
)
def test_the_time_follows_the_clock_and_what_waits_is_written_each_second(monkeypatch, lines):
    moments = [0.0, 0.5, 0.99, 1.0, 1.5, 2.25]
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.25 + moments[0])
    ticks = []
    line = lines(lambda: ticks.append(moments[0]))

    seconds = []
    while moments:
        ended = 70.0 + moments[0]
        seconds.append(re.search(r":\d\d:(\d\d)[ +]", line(record(ended=ended)))[1])
        del moments[0]

    assert seconds == ["20", "20", "21", "21", "21", "22"]
    assert ticks == [0.0, 0.99, 2.25]


def test_a_time_of_day_that_is_set_back_is_followed_within_a_second(monkeypatch):
    now = [1_700_000_000.25]
    monkeypatch.setattr("time.time", lambda: now[0])
    line = text_lines("%(t)s")
    first = line(record(ended=70.0))

    now[0] -= 3600.0

    assert line(record(ended=70.5)) == first
    assert line(record(ended=71.0)) != first


def test_nothing_sent_is_0_bytes_as_gunicorn_has_it_and_a_dash_for_the_status():
    assert text_lines("%(b)s %(B)s %(s)s")(record(sent=0, status_code=0)) == "0 0 -"


@pytest.mark.parametrize("text", ["%(zz)s", "%(y)s", "%s", "50%", "%(h)d", "%({x}q)s"])
def test_a_field_that_does_not_exist_is_an_error(text):
    with pytest.raises(ConfigError, match="is not a field"):
        text_lines(text)


INVISIBLE = (
    *("\u061c", "\u200b", "\u200e", "\u200f", "\u2028", "\u2029", "\ufeff", "\ud800"),
    *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x85, 0xA0, 0xAD)),
)
"""Characters that reorder or end a line, or are not seen."""


@pytest.mark.parametrize(
    "evil",
    ['a"b\n[fake] "GET', "a\rb", "\x1b[31m", "a\\", "\x85\u2028", *INVISIBLE],
    ids=ascii,
)
def test_a_client_cannot_forge_a_line(evil):
    environ = {**ENVIRON, "PATH_INFO": evil, "HTTP_USER_AGENT": evil, "HTTP_X_REQUEST_ID": evil}
    environ["HTTP_AUTHORIZATION"] = basic(evil)

    line = text_lines('"%(U)s" "%(a)s" "%({x-request-id}i)s" "%(u)s"')(record(environ=environ))

    assert line.isprintable()
    assert re.sub(r"\\.", "", line).count('"') == 8


def basic(user):
    credentials = f"{user}:secret".encode("utf-8", "surrogatepass")
    return f"Basic {base64.b64encode(credentials).decode()}"


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("ada", "ada"),
        ("ada lovelace", "ada\\x20lovelace"),
        ('a - [x] "GET /', 'a\\x20-\\x20[x]\\x20\\"GET\\x20/'),
        ("a\nb", "a\\nb"),
        ("\u202eada", "\\u202eada"),
        ("\U000e0001", "\\U000e0001"),
        ("zo\u00eb", "zo\u00eb"),
        ("", "-"),
    ],
)
def test_the_user_is_one_field(user, shown):
    environ = {**ENVIRON, "HTTP_AUTHORIZATION": basic(user)}

    assert text_lines("%(h)s %(u)s %(s)s")(record(environ=environ)) == f"192.0.2.1 {shown} 200"


@pytest.mark.parametrize("credentials", ["", "%%%", "=", "gA==", "Zm9v", "\u0100", "a" * 5])
def test_credentials_that_are_not_base64_are_one_field_too(credentials):
    environ = {**ENVIRON, "HTTP_AUTHORIZATION": f"Basic {credentials}"}

    line = text_lines("%(h)s %(u)s %(s)s")(record(environ=environ))

    assert re.fullmatch(r"192\.0\.2\.1 \S+ 200", line)


@pytest.mark.parametrize("text", ["%s%n%d%x", "%(a)s", "%(h)n", "{0}", "{environ}", "%(password)s"])
def test_a_clients_text_is_no_format(text):
    environ = {**ENVIRON, "HTTP_USER_AGENT": text}

    assert text_lines("%(h)s %(a)s %(s)s")(record(environ=environ)) == f"192.0.2.1 {text} 200"


@pytest.mark.parametrize("evil", INVISIBLE, ids=ascii)
def test_a_json_line_is_ascii(evil):
    environ = {**ENVIRON, "HTTP_USER_AGENT": evil, "PATH_INFO": evil, "HTTP_REFERER": evil}

    line = json_lines()(record(environ=environ, reason=evil))

    assert line.isascii()
    assert line.isprintable()


def test_a_refused_request_shows_the_line_as_it_came():
    assert text_lines("%(r)s")(record(environ={}, request_line="GARBAGE")) == "GARBAGE"


def test_a_json_line_has_every_field_and_cannot_be_forged():
    environ = {**ENVIRON, "HTTP_USER_AGENT": '","status":999,"x":"', "PATH_INFO": "/\n\u00e9"}

    line = json_lines()(record(environ=environ, reason="the client is gone"))

    assert "\n" not in line
    found = json.loads(line)
    assert found["status"] == 200
    assert found["user_agent"] == '","status":999,"x":"'
    assert found["path"] == "/\n\u00e9"
    assert found["reason"] == "the client is gone"
    assert found["duration_us"] == 1234567
    assert found["bytes"] == 5


def test_a_json_line_has_the_id_where_requests_have_ids():
    identified = record(environ={**ENVIRON, "hookserve.request_id": "a-1"}, reason="gone")

    line = json_lines(with_ids=True)(identified)

    assert json.loads(line) == {
        **json.loads(json_lines()(identified)),
        "request_id": "a-1",
    }
    assert "request_id" not in json_lines()(identified)
    assert json.loads(json_lines(with_ids=True)(record()))["request_id"] == ""


@pytest.mark.parametrize(
    ("environ", "shown"),
    [({}, "-"), ({"hookserve.request_id": "a-1"}, "a-1"), ({"hookserve.request_id": 'a"'}, "a")],
)
def test_a_text_line_has_the_id_where_it_is_asked_for(environ, shown):
    line = text_lines('"%(i)s"')(record(environ={**ENVIRON, **environ}))

    assert line.startswith(f'"{shown}')
    assert '"' not in line[1:-1].replace('\\"', "")


def test_a_json_line_of_a_killed_request_is_whole():
    killed = record(environ={}, status_code=0, reason="killed", request_line="GET /x")

    found = json.loads(json_lines()(killed))

    assert (found["method"], found["remote_addr"], found["status"]) == ("", "", 0)
    assert (found["request_line"], found["reason"]) == ("GET /x", "killed")


def test_a_json_line_gives_a_reason_only_where_there_is_one():
    assert not {"reason", "request_line"} & json.loads(json_lines()(record())).keys()


@pytest.mark.parametrize("name", ["REMOTE_ADDR", "REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL"])
def test_an_application_may_take_out_of_its_environ_what_it_likes(name):
    environ = {key: value for key, value in ENVIRON.items() if key != name}

    line = text_lines("%(h)s %(r)s %(m)s %(H)s %(s)s")(record(environ=environ))

    assert line.count("-") == {"RAW_URI": 1, "REMOTE_ADDR": 1}.get(name, 2)
    assert line.endswith(" 200")
    assert json.loads(json_lines()(record(environ=environ)))["status"] == 200


@pytest.mark.parametrize(
    "text", ["%(t)s", "a %(t)s%(t)s b", "%(s)s %(t)s %(s)s %(t)s", "%(p)s%(t)s"]
)
def test_the_time_may_be_anywhere_and_more_than_once(text):
    line = text_lines(text)(record())

    bare = re.sub(r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]", "T", line)
    assert bare == text.replace("%(t)s", "T").replace("%(s)s", "200").replace(
        "%(p)s", f"<{os.getpid()}>"
    )


@pytest.mark.parametrize(
    "text", ['it\'s "quoted"', "{braces} {{twice}}", "back\\slash \\n", "a\nb"]
)
def test_text_that_is_not_a_field_stays_as_it_is(text):
    assert text_lines(f"{text}%(s)s{text}")(record()) == f"{text}200{text}"


def test_a_header_may_have_any_name():
    environ = {"HTTP_IT'S\"": "seen", "it's {0 \\ %s": "too"}
    line = text_lines("%({it's\"}i)s %({it's {0 \\ %s}e)s")

    assert line(record(environ=environ)) == "seen too"


def test_the_cache_of_a_field_is_bounded(monkeypatch):
    monkeypatch.setattr("hookserve_logging.line._CACHE_SIZE", 10)
    written = []
    log = formats.compile_format("%(U)s", Clock(tuple), written.append)
    texts = log.__globals__["field0_texts"]

    for number in range(100):
        path = f'/"{number}'
        for _ in range(2):
            log(record(environ={"PATH_INFO": path}))
            assert written[-1] == f'/\\"{number}'
            log(record(environ={"PATH_INFO": path * 200}))
        assert len(texts) <= 10
