"""The compiled function writes what the plain implementation returns."""

import random
import string
import time
from types import MappingProxyType

import pytest
from hookserve_logging import formats, jsonlines
from hookserve_logging.clock import Clock
from hookserve_logging.line import Field, compile_line, format_plainly

from hookserve import AccessRecord

COMPLETE = MappingProxyType(
    {
        "REMOTE_ADDR": "192.0.2.1",
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/a%20b?c=d",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "c=d",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_USER_AGENT": 'curl "quoted" \x1b[31m\n',
        "HTTP_REFERER": "http://x/" + "y" * 600,
        "HTTP_AUTHORIZATION": "Basic YWRhOnNlY3JldA==",
        "CONTENT_TYPE": "text/plain",
    }
)
RECORDS = {
    "complete": {},
    "without a user": {"environ": {**COMPLETE, "HTTP_AUTHORIZATION": "Bearer x"}},
    "without a response": {"status_code": 0, "sent": 0},
    "refused": {"environ": {}, "status_code": 400, "request_line": 'GET " \\x'},
    "killed": {"environ": {"REMOTE_ADDR": "::1"}, "reason": "the worker was killed"},
    "empty values": {"environ": dict.fromkeys(COMPLETE, "")},
    "slow and large": {"ended": 98765.4321, "sent": 1 << 40},
    "many headers": {"headers": [("X-A", "1"), ("x-a", "2"), ("X-B", '"')]},
}


def record(**changes):
    values = {
        "environ": dict(COMPLETE),
        "status_code": 200,
        "headers": [("X-A", "o")],
        "sent": 5,
        "began": 1000.0,
        "ended": 1001.2345678,
    }
    return AccessRecord(**{**values, **changes})


@pytest.fixture
def day(monkeypatch):
    """The time of day that the clock sees."""
    now = time.time()
    monkeypatch.setattr("hookserve_logging.clock.time.time", lambda: now)
    return time.localtime(int(now))


def assert_same(parts, functions, day):
    written = []
    log = compile_line(parts, functions, Clock(tuple), written.append)
    for name, changes in RECORDS.items():
        for _ in range(2):  # the second comes from the caches
            log(record(**changes))
            assert written[-1] == format_plainly(parts, functions, record(**changes), day), name


@pytest.mark.parametrize("atom", [*formats.ATOMS, "{x-a}o", "{user-agent}i", "{PATH_INFO}e"])
def test_each_field_alone_and_between_texts(atom, day):
    for text in (f"%({atom})s", f"a %({atom})s b", f"%({atom})s%({atom})s", f"%%%({atom})s%%"):
        assert_same(formats.parse_format(text), formats.FUNCTIONS, day)


@pytest.mark.parametrize("seed", range(40))
def test_any_format(seed, day):
    chance = random.Random(seed)
    atoms = [*formats.ATOMS, "{x-a}o", "{x-none}o", "{referer}i", "{content-type}i", "{NONE}e"]
    texts = ["", " ", '"', "'", "\\", "{", "}}", "\n", "%%", "-", string.ascii_letters]
    pieces = [chance.choice((f"%({chance.choice(atoms)})s", chance.choice(texts))) for _ in "x" * 9]

    assert_same(formats.parse_format("".join(pieces)), formats.FUNCTIONS, day)


def test_json(day):
    assert_same(jsonlines.PARTS, jsonlines.FUNCTIONS, day)


def test_a_line_without_fields(day):
    assert_same(["only ", "text"], {}, day)
    assert_same([], {}, day)


def test_a_field_is_converted_once_for_equal_values():
    converted, written = [], []

    def convert(value):
        converted.append(value)
        return f"<{value}>"

    parts = ["a ", Field("record.status_code", convert), " b"]
    log = compile_line(parts, {}, Clock(tuple), written.append)
    for _ in range(3):
        log(record())

    assert (converted, written) == ([200], ["a <200> b"] * 3)
