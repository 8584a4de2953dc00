"""What a connection holds between two exchanges, and what threads share."""

import gc
import sys
import threading
import time
import tracemalloc

import pytest
import support.corpus_driver as driver
from hookserve_http import head as head_module
from hookserve_http.connection import HttpConnection
from hookserve_http.exchange import Exchange
from hookserve_http.head import HeadParser
from hookserve_http.response import HeadWriter, _http_date
from hookserve_http.rules import HeadRules

from hookserve.protocol.seam import IDLE

GET = b"GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: " + b"x" * 100 + b"\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n" + b"y" * 5000
CHUNKED = (
    b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
)
REQUESTS = {"get": GET, "post": POST, "chunked": CHUNKED, "pipelined": GET + POST + GET}


def hello(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def reachable(connection):
    """All that the connection refers to, but not what its protocol does."""
    shared = {id(connection.endpoint), id(connection._parser), id(HttpConnection)}
    found, waiting = [], [connection]
    while waiting:
        for each in gc.get_referents(waiting.pop()):
            if id(each) not in shared:
                found.append(each)
                waiting.append(each)
    return found


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize("name", REQUESTS)
def test_an_idle_connection_holds_nothing_of_the_last_exchange(name, buffered):
    protocol = driver.make_protocol(hello, buffered)

    _, connection = driver.converse(protocol, [REQUESTS[name]])

    assert connection.state == IDLE
    assert {type(each) for each in reachable(connection)} <= {str, bytes, int, bool, type(None)}
    assert sum(map(sys.getsizeof, reachable(connection))) < 512


def exchanges():
    return [each for each in gc.get_objects() if type(each) is Exchange]


@pytest.mark.parametrize("name", REQUESTS)
def test_an_exchange_is_gone_without_the_garbage_collector(name):
    protocol = driver.make_protocol(hello)
    gc.collect()
    gc.disable()
    try:
        # An exception that another test keeps may hold exchanges of its own.
        before = {id(each) for each in exchanges()}

        driver.converse(protocol, [REQUESTS[name]])

        assert not [each for each in exchanges() if id(each) not in before]
    finally:
        gc.enable()


def test_thousands_of_idle_connections_are_half_a_kilobyte_each():
    protocol = driver.make_protocol(hello)
    transport = driver.MemoryTransport()
    driver.converse(protocol, [GET])
    connections = []
    tracemalloc.start()
    try:
        for number in range(1000):
            connection = protocol.connect((f"203.0.113.{number % 256}", 40000 + number))
            connection.feed(bytes(bytearray(GET)))
            connection.run(transport)
            transport.sent = b""
            connections.append(connection)

        assert tracemalloc.get_traced_memory()[0] / len(connections) < 512
    finally:
        tracemalloc.stop()


def in_threads(work, count=4):
    """Run `work(number)` in threads that are interrupted as often as can be."""
    errors = []

    def run(number):
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []


def test_threads_share_what_is_known_of_heads(monkeypatch):
    monkeypatch.setattr(head_module, "_REQUEST_LINE_CACHE_SIZE", 2)
    monkeypatch.setattr(head_module, "_NAME_CACHE_SIZE", 2)
    monkeypatch.setattr(head_module, "_LINE_CACHE_SIZE", 15)
    monkeypatch.setattr(head_module, "_BLOCK_CACHE_SIZE", 2)
    monkeypatch.setattr(head_module, "_BLOCK_CACHE_MISSES", 2)
    parser = HeadParser(HeadRules(), {"SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1"})

    def work(number):
        for turn in range(1500):
            value = str((turn + number) % 7)
            fields = f"Host: h{value}\r\nX-A: {value}\r\nX-B: {value}\r\n\r\n"
            data = f"GET /{turn % 5} HTTP/1.1\r\n{fields}".encode()

            environ, size = parser.parse(data)
            assert size == len(data)
            assert environ["HTTP_HOST"] == f"h{value}"
            assert environ["HTTP_X_A"] == environ["HTTP_X_B"] == value
            assert environ["RAW_URI"] == f"/{turn % 5}"
            assert len(environ) == 11

    in_threads(work)


def test_threads_share_what_is_known_of_responses(monkeypatch):
    monkeypatch.setattr("hookserve_http.response._CACHE_SIZE", 5)
    monkeypatch.setattr("hookserve_http.response._HEAD_CACHE_SIZE", 2)
    own = threading.local()
    ticks = iter(range(10**9))

    def clock():
        own.now = next(ticks) / 3
        return own.now

    writer = HeadWriter(clock, time.gmtime)

    def work(number):
        for turn in range(1500):
            value = str((turn + number) % 7)
            status = f"20{value} Word"

            assert writer.encode(status, [("X-A", value), ("Content-Length", value)]) == (
                200 + int(value),
                f"HTTP/1.1 {status}\r\nX-A: {value}\r\n".encode()
                + (b"" if value in "45" else f"Content-Length: {value}\r\n".encode()),
                -1 if value in "45" else int(value),
                0,
            )
            lines = writer.date()
            assert lines.startswith(f"Date: {_http_date(time.gmtime(own.now // 1))}\r\n".encode())

    in_threads(work)
