"""Input that an attacker chooses costs time in proportion to its size."""

import importlib
import pkgutil
import re
import time

import pytest
import support.corpus_driver as driver

from hookserve.protocol.seam import READING_HEAD

PACKAGES = ("hookserve_http", "hookserve_proxy", "hookserve_logging", "hookserve_tls")
SMALL, FACTOR = 1000, 8
MARGIN = 3.0
"""Quadratic growth is `FACTOR` times linear growth; this much more than linear is noise."""
NEGLIGIBLE = 0.002
"""Seconds: a match that takes less at the larger size is not compared."""

UNITS = (" ", "\t", "a", "A", "0", "1", ".", ":", "-", ",", ";", "=", '"', "\\", '\\"', "%", "\r\n")
UNITS += ("a=", "a=b;", 'a="', "; ", ", ", ";a", ";a=a", ' a="\\a"', "%(", "\x00")
PREFIXES = ("", "a", "a=", 'a="', ";", ";a=", "[", "[:", "a:", "%(", "%({", "HTTP/", "0", "200 ")
SUFFIXES = ("", "\x00", "!!", '"', "\r")


def expressions():
    """Each compiled expression of the packages, by its module and name."""
    found = {}
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(path, f"{package}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    found.setdefault(value, f"{module.name}.{name}")
    return {name: pattern for pattern, name in found.items()}


EXPRESSIONS = expressions()


def seconds(method, data, calls):
    """The shortest of some calls, so that a preempted call does not count."""
    times = []
    for _ in range(calls):
        start = time.thread_time()
        method(data)
        times.append(time.thread_time() - start)
    return min(times)


def is_linear(method, unit, prefix, suffix, encode):
    def text(size):
        return encode(prefix + unit * (size // len(unit)) + suffix)

    large = text(SMALL * FACTOR)
    if seconds(method, large, 1) < NEGLIGIBLE:
        return True
    return seconds(method, large, 3) < MARGIN * FACTOR * seconds(method, text(SMALL), 3)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_takes_linear_time_on_its_worst_input(name):
    pattern = EXPRESSIONS[name]
    is_bytes = isinstance(pattern.pattern, bytes)

    def encode(text):
        return text.encode("latin-1") if is_bytes else text

    slow = [
        (method.__name__, prefix, unit, suffix)
        for method in (pattern.match, pattern.fullmatch)
        for prefix in PREFIXES
        for unit in UNITS
        for suffix in SUFFIXES
        if not is_linear(method, unit, prefix, suffix, encode)
    ]

    assert slow == []


def test_expressions_of_each_parser_were_found():
    packages = {name.partition(".")[0] for name in EXPRESSIONS}

    assert packages >= {"hookserve_http", "hookserve_proxy", "hookserve_logging"}
    assert len(EXPRESSIONS) > 15


LINE, FIELD = b"a" * 60_000, b"a" * 600_000
PIECES = 500
HEADS = {
    "request line": (b"GET /", b"GET /" + LINE),
    "field": (b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\nX: " + FIELD),
    "field after a long line": (
        b"GET / HTTP/1.1\r\nX: ",
        b"GET /" + LINE + b" HTTP/1.1\r\nX: ",
    ),
}


def seconds_of_pieces(head):
    """How long a connection takes for one byte after another that continues the head."""
    settings = {"limit_request_line": 0, "limit_request_field_size": 2 * len(FIELD)}
    protocol = driver.make_protocol(None, **settings)

    def feed(data):
        for _ in range(PIECES):
            connection.feed(data)

    times = []
    for _ in range(3):
        connection = protocol.connect(("203.0.113.9", 50000))
        connection.feed(head)
        times.append(seconds(feed, b"a", 1))
        assert connection.state == READING_HEAD
    return min(times)


@pytest.mark.parametrize("name", HEADS)
def test_a_piece_of_a_head_costs_the_same_whatever_came_before(name):
    """So a head that comes byte by byte takes time in proportion to its size."""
    short, long = HEADS[name]

    assert seconds_of_pieces(long) < MARGIN * seconds_of_pieces(short)
