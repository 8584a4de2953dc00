"""Requests have ids: believed, made, passed on."""

import logging
import os
import re

import pytest
import support.corpus_driver as driver
from hookserve_http import id_header
from hookserve_http.request_ids import RequestIds

from hookserve.protocol.seam import READY
from hookserve.requests import REQUEST_ID

MADE = re.compile(r"[0-9a-f]{32}")
PROXY, CLIENT = ("127.0.0.1", 4000), ("192.0.2.1", 4000)
NAME = "X-Request-ID"


class Site:
    """A protocol, one connection of it, what its application has seen and what it has recorded."""

    def __init__(self, peer=PROXY, header=NAME, application=None, **settings):
        self.environs, self.records = [], []
        protocol = driver.make_protocol(
            application or self.application, True, request_id=header, **settings
        )
        self.identified = []
        begin = protocol.worker.begin
        protocol.worker.begin = lambda label, name=b"": self.identified.append(name) or begin(label)
        protocol.worker.log = logging.getLogger("hookserve")
        protocol.log_access = (self.records.append,)
        self.headers = [("Content-Length", "2")]
        self.protocol, self.connection = protocol, protocol.connect(peer)

    def application(self, environ, start_response):
        self.environs.append(environ.copy())
        start_response("200 OK", self.headers)
        return [b"ok"]

    def ask(self, *fields, data=None):
        """The head of the response to a request with these header lines."""
        transport = driver.MemoryTransport()
        lines = "".join(f"{field}\r\n" for field in ("Host: h", *fields))
        assert self.connection.feed(data or f"GET /x HTTP/1.1\r\n{lines}\r\n".encode()) == READY
        self.connection.run(transport)
        return transport.sent.partition(b"\r\n\r\n")[0].decode()


def id_in(head, name=NAME):
    """The id in a response's head, which has one."""
    (found,) = re.findall(f"\r\n{name}: (.*)(?:\r|$)", head)
    return found


def test_an_id_of_a_trusted_proxy_is_the_requests():
    site = Site()

    head = site.ask("X-Request-ID: a-1")

    (environ,) = site.environs
    assert id_in(head) == environ["HTTP_X_REQUEST_ID"] == environ[REQUEST_ID] == "a-1"


def test_an_id_of_a_client_is_replaced():
    site = Site(CLIENT)

    head = site.ask("X-Request-ID: a-1")

    (environ,) = site.environs
    assert MADE.fullmatch(id_in(head))
    assert id_in(head) == environ["HTTP_X_REQUEST_ID"] == environ[REQUEST_ID]


def test_each_request_has_an_id_of_its_own():
    site = Site()

    heads = [site.ask() for _ in range(5)]

    assert len({id_in(head) for head in heads}) == 5
    assert [each[REQUEST_ID] for each in site.environs] == [id_in(head) for head in heads]


@pytest.mark.parametrize(
    "valid",
    [
        "0",
        "x" * 128,
        "f058ebd6-02f7-4d3f-942e-904344e8cde5",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Root=1-67891233-abcdef012345678912345678;Self=1-67891234-12456789abcdef012345678",
        "105445aa7843bc8bf206b12000100000/1;o=1",
        "230b030023ae2822-SJC",
        "user@host+1:2|3~4_5.6",
    ],
)
def test_what_proxies_send_is_a_valid_id(valid):
    assert id_in(Site().ask(f"X-Request-ID: {valid}")) == valid


@pytest.mark.parametrize(
    "invalid",
    ["", "x" * 129, "a b", "a,b", 'a"b', "a'b", "a\\b", "a]b", "a(b", "a<b", "a%b", "a\tb", "é"],
)
def test_an_id_that_could_forge_a_field_of_a_log_is_replaced(invalid):
    site = Site()

    assert MADE.fullmatch(id_in(site.ask(f"X-Request-ID: {invalid}")))
    assert MADE.fullmatch(site.environs[0]["HTTP_X_REQUEST_ID"])


def test_two_ids_are_none():
    assert MADE.fullmatch(id_in(Site().ask("X-Request-ID: a", "X-Request-ID: b")))


def test_two_ids_of_a_request_that_is_refused_are_none():
    head = Site().ask("X-Request-ID: a", "x-request-id : b", "Content-Length: abc")
    assert head.startswith("HTTP/1.1 400 ")
    assert MADE.fullmatch(id_in(head))

    head = Site().ask("X-Request-ID: a", "X-Request-ID: b", "Content-Length: abc")
    assert MADE.fullmatch(id_in(head))


def test_another_header_may_have_the_id():
    site = Site(header="X-Correlation-ID")

    head = site.ask("X-Correlation-ID: a-1", "X-Request-ID: b-2")

    (environ,) = site.environs
    assert id_in(head, "X-Correlation-ID") == environ["HTTP_X_CORRELATION_ID"] == "a-1"
    assert environ["HTTP_X_REQUEST_ID"] == "b-2"
    assert site.identified == [b"a-1"]


def test_the_scoreboard_has_the_id_that_was_made():
    site = Site(CLIENT)

    head = site.ask("X-Request-ID: a-1")

    assert site.identified == [id_in(head).encode()]


def test_a_client_that_a_proxy_speaks_for_is_not_believed_as_the_proxy_is():
    site = Site()
    site.connection.set_connection_info({"REMOTE_ADDR": CLIENT[0]})

    assert MADE.fullmatch(id_in(site.ask("X-Request-ID: a-1")))


def test_an_id_comes_with_the_address_that_a_proxy_names():
    site = Site(client_header="X-Forwarded-For")

    head = site.ask("X-Forwarded-For: 203.0.113.7", "X-Request-ID: a-1")

    assert id_in(head) == "a-1"
    assert site.environs[0]["REMOTE_ADDR"] == "203.0.113.7"


def test_the_applications_own_field_is_the_only_one():
    site = Site()
    site.headers.append(("x-request-id", "own"))

    head = site.ask("X-Request-ID: a-1")

    assert "\r\nx-request-id: own" in head
    assert "a-1" not in head


def test_the_record_and_the_hooks_view_have_the_id():
    views = []
    site = Site()
    site.protocol.pre_request = (lambda worker, view, environ: views.append(view.request_id),)
    records = []
    site.protocol.notify_observers = lambda record, began: records.append(record.request_id)

    site.ask("X-Request-ID: a-1")

    assert views == records == ["a-1"]


def test_an_application_that_changes_its_environ_does_not_change_the_id():
    def application(environ, start_response):
        environ[REQUEST_ID] = environ["HTTP_X_REQUEST_ID"] = "x\r\nSet-Cookie: a"
        start_response("200 OK", [])
        return [b"ok"]

    assert id_in(Site(application=application).ask("X-Request-ID: a-1")) == "a-1"


def test_the_error_page_of_a_failure_and_its_message_have_the_id(caplog):
    def application(environ, start_response):
        raise ValueError("of the test")

    head = Site(application=application).ask("X-Request-ID: a-1")

    assert head.startswith("HTTP/1.1 500 ")
    assert id_in(head) == "a-1"
    assert "error handling GET /x [a-1]" in caplog.text


@pytest.mark.parametrize("peer", [PROXY, CLIENT])
def test_a_body_that_is_refused_has_the_requests_id(peer):
    site = Site(peer, limit_request_body=3)

    data = b"POST / HTTP/1.1\r\nHost: h\r\nX-Request-ID: a-1\r\nContent-Length: 4\r\n\r\nbody"
    head = site.ask(data=data)

    assert head.startswith("HTTP/1.1 413 ")
    assert site.records[0].request_id == id_in(head)
    assert (id_in(head) == "a-1") is (peer is PROXY)


@pytest.mark.parametrize(
    "data", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", b"\x16\x03\x01\r\n"]
)
def test_a_request_that_cannot_be_parsed_has_an_id(data):
    site = Site()

    head = site.ask(data=data)

    assert head.startswith("HTTP/1.1 400 ")
    assert MADE.fullmatch(id_in(head))
    assert site.records[0].request_id == id_in(head)
    assert site.identified == [id_in(head).encode()]


@pytest.mark.process
def test_a_child_makes_other_ids_than_its_parent():
    made = [RequestIds(NAME).make() for _ in range(2)]
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(writing, RequestIds(NAME).make().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    made.append(os.read(reading, 100).decode())
    for each in (reading, writing):
        os.close(each)

    assert len(set(made)) == 3


def test_without_the_setting_nothing_is_made_or_sent():
    site = Site(header="")

    head = site.ask("X-Request-ID: a-1")

    assert "x-request-id" not in head.lower()
    (environ,) = site.environs
    assert environ["HTTP_X_REQUEST_ID"] == "a-1"
    assert REQUEST_ID not in environ
    assert site.identified == [b"a-1"]


@pytest.mark.parametrize("name", ["X-Request-ID", "traceparent", "CF-Ray", ""])
def test_any_header_without_a_meaning_may_have_the_id(name):
    assert id_header(name) == name


@pytest.mark.parametrize(
    "name",
    ["Host", "date", "Content-Length", "Transfer-Encoding", "X-Forwarded-For", "Cookie", "Sec-X"],
)
def test_a_header_with_a_meaning_is_refused(name):
    with pytest.raises(ValueError, match="without a meaning of its own"):
        id_header(name)


@pytest.mark.parametrize("name", ["X Request", "X_Request", "É", "-", 7])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match="expected the name of a header"):
        id_header(name)
