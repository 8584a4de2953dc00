"""Paths that the server itself answers."""

from types import SimpleNamespace

import pytest
import support.corpus_driver as driver
from hookserve_http.connection import HttpConnection
from hookserve_http.hooks import HttpHooks

from hookserve import PluginError, hookimpl
from hookserve.launch.assembly import load_plugins
from hookserve.protocol.seam import CLOSING, IDLE, READY
from hookserve.testing.fakes import MemoryTransport


class Answers:
    """A plugin with answers."""

    def __init__(self, **answers):
        self.answers = answers

    @hookimpl(optionalhook=True)
    def http_answers(self, worker):
        return [(f"/-/{name}", answer) for name, answer in self.answers.items()]


def fails():
    raise ValueError("of the plugin's making")


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [b"app"]


def begin(*plugins):
    """A protocol whose plugins have answers, as a worker begins it."""
    host = load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"})
    for number, plugin in enumerate(plugins):
        host.register(plugin, f"of the test {number}")
    host.specify(HttpHooks)
    protocol = driver.make_protocol(application, True)
    protocol.worker.context = SimpleNamespace(host=host)
    protocol.log_access = [pytest.fail]
    type(protocol).begin_service([protocol])
    return protocol


def ask(protocol, line, fields=b"", body=b""):
    """The state after a request, and what is sent."""
    connection = protocol.connect(("192.0.2.1", 4000))
    transport = MemoryTransport()
    assert connection.feed(line + b" HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n" + body) == READY
    return connection.run(transport), transport.sent


def test_a_path_of_the_servers_is_answered_before_the_application():
    protocol = begin(Answers(ready=lambda: (503, "draining")))

    state, sent = ask(protocol, b"GET /-/ready?from=here")

    assert state == CLOSING
    assert sent.startswith(b"HTTP/1.1 503 Service Unavailable\r\nDate: ")
    assert b"\r\nConnection: close\r\n" in sent
    assert sent.endswith(b"\r\n\r\ndraining\n")
    assert protocol.worker.begun == 0


@pytest.mark.parametrize("scheme", [b"http", b"https"])
def test_a_target_in_absolute_form_is_answered_too(scheme):
    sent = ask(begin(Answers(live=lambda: (200, "live"))), b"GET %s://h:1/-/live" % scheme)[1]

    assert sent.endswith(b"\r\n\r\nlive\n")


def test_head_gets_the_same_head_and_no_body():
    sent = ask(begin(Answers(live=lambda: (200, "live"))), b"HEAD /-/live")[1]

    assert b"\r\nContent-Length: 5\r\n" in sent
    assert sent.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("line", "body"),
    [(b"GET /-/other", b""), (b"GET /", b""), (b"POST /-/ready", b""), (b"GET /-/ready", b"x")],
)
def test_every_other_request_is_the_applications(line, body):
    fields = b"Content-Length: 1\r\n" if body else b""
    protocol = begin(Answers(ready=lambda: (200, "ready")))
    protocol.log_access = ()

    state, sent = ask(protocol, line, fields, body)

    assert state == IDLE
    assert sent.endswith(b"app")


def test_a_pipelined_request_for_such_a_path_is_answered_in_its_turn():
    protocol = begin(Answers(ready=lambda: (200, "ready")))
    connection = protocol.connect(("192.0.2.1", 4000))
    transport = MemoryTransport()
    connection.feed(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n")

    assert connection.run(transport) == READY
    assert connection.run(transport) == CLOSING
    assert transport.sent.endswith(b"ready\n")


def test_a_head_that_comes_in_pieces_is_recognized():
    protocol = begin(Answers(ready=lambda: (200, "ready")))
    connection = protocol.connect(("192.0.2.1", 4000))
    transport = MemoryTransport()
    for byte in b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n":
        connection.feed(bytes([byte]))
    connection.run(transport)

    assert transport.sent.endswith(b"ready\n")


def test_a_request_that_is_malformed_is_refused_as_any_other():
    protocol = begin(Answers(ready=lambda: (200, "ready")))
    protocol.log_access = ()

    state, sent = ask(protocol, b"GET /-/ready", b"Bad Name: x\r\n")

    assert state == CLOSING
    assert sent.startswith(b"HTTP/1.1 400 ")


def test_an_answer_that_raises_is_logged_and_500():
    assert ask(begin(Answers(ready=fails)), b"GET /-/ready")[1].startswith(b"HTTP/1.1 500 ")


def test_a_client_that_is_gone_is_no_fault():
    protocol = begin(Answers(ready=lambda: (200, "ready")))
    connection = protocol.connect(("192.0.2.1", 4000))
    connection.feed(b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n")

    assert connection.run(MemoryTransport(limit=0)) == CLOSING


def test_two_plugins_cannot_answer_one_path():
    with pytest.raises(PluginError, match="it cannot answer '/-/ready'"):
        begin(Answers(ready=fails), Answers(ready=fails))


def test_without_answers_connections_are_of_the_plain_kind():
    assert type(begin().connect(("192.0.2.1", 4000))) is HttpConnection
