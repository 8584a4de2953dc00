"""The PROXY protocol around HTTP."""

from functools import partial

import pytest
import support.corpus_driver as driver
from hookserve_proxy.header import SIGNATURE
from hookserve_proxy.wrapper import ProxyProtocol

from hookserve.protocol.seam import CLOSING, IDLE, READING_HEAD

HEADER = b"PROXY TCP4 198.51.100.7 203.0.113.5 51234 443\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Setting:
    """The wrapper on fakes."""

    def __init__(self, **settings):
        self.app = driver.Recorder()
        settings = {"proxy_protocol": "auto", "proxy_allow_ips": ("10.0.0.1", "unix:"), **settings}
        inner = driver.make_protocol(self.app, **settings)
        self.protocol = ProxyProtocol(inner, inner.worker.config)
        self.converse = partial(driver.converse, self.protocol)

    def seen(self, name):
        return [environ.get(name) for environ in self.app.environs]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_every_request_of_a_connection_is_the_clients(size):
    """W43: of its second request too."""
    setting = Setting()
    data = HEADER + REQUEST * 3

    _, connection = setting.converse(
        [data[at : at + size] for at in range(0, len(data), size)], peer=("10.0.0.1", 5555)
    )

    assert setting.seen("REMOTE_ADDR") == ["198.51.100.7"] * 3
    assert setting.seen("REMOTE_PORT") == ["51234"] * 3
    assert setting.seen("PROXY_PROTOCOL") == ["TCP4"] * 3
    assert setting.seen("PROXY_ADDR") == ["203.0.113.5"] * 3
    assert setting.seen("PROXY_PORT") == ["443"] * 3
    assert connection.state == IDLE


def test_a_proxy_that_speaks_for_itself_is_the_client():
    """W43: UNKNOWN leaves the addresses alone, and nothing in the environ is None."""
    setting = Setting()

    setting.converse([b"PROXY UNKNOWN\r\n" + REQUEST], peer=("10.0.0.1", 5555))

    assert setting.seen("REMOTE_ADDR") == ["10.0.0.1"]
    assert setting.seen("REMOTE_PORT") == ["5555"]
    assert "PROXY_ADDR" not in setting.app.environs[0]
    assert None not in setting.app.environs[0].values()


def test_a_unix_socket_may_be_trusted():
    """W43."""
    setting = Setting()

    setting.converse([HEADER + REQUEST], peer="")

    assert setting.seen("REMOTE_ADDR") == ["198.51.100.7"]


def test_a_client_that_is_not_a_proxy_cannot_speak_for_another():
    setting = Setting()

    sent, _ = setting.converse([HEADER + REQUEST], peer=("203.0.113.9", 5555))

    assert sent.sent.startswith(b"HTTP/1.1 400 ")
    assert not setting.app.environs
    setting.converse([REQUEST], peer=("203.0.113.9", 5555))
    assert setting.seen("REMOTE_ADDR") == ["203.0.113.9"]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("data", [REQUEST, b"PROXY nonsense\r\n" + REQUEST, b""])
def test_a_connection_of_a_proxy_without_a_header_is_closed_unanswered(data, version):
    setting = Setting(proxy_protocol=version)

    sent, connection = setting.converse([data, b""] if data else [b""], peer=("10.0.0.1", 5555))

    assert sent.sent == b""
    assert connection.state == CLOSING
    assert not setting.app.environs


@pytest.mark.parametrize("data", [b"PROXY nonsense\r\n" + REQUEST, SIGNATURE + b"\x99\0\0\0", b""])
def test_a_malformed_header_is_refused_where_none_is_needed(data):
    setting = Setting()

    sent, connection = setting.converse([data, b""] if data else [b""], peer=("10.0.0.1", 5555))

    assert sent.sent == b""
    assert connection.state == CLOSING
    assert not setting.app.environs


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("method", [b"GET", b"POST", b"PROPFIND"])
def test_with_auto_a_connection_without_a_header_is_the_proxys_own(method, size):
    setting = Setting()
    data = (method + REQUEST[3:]) * 2

    sent, connection = setting.converse(
        [data[at : at + size] for at in range(0, len(data), size)], peer=("10.0.0.1", 5555)
    )

    assert setting.seen("REMOTE_ADDR") == ["10.0.0.1"] * 2
    assert setting.seen("PROXY_PROTOCOL") == [None] * 2
    assert sent.sent.count(b"HTTP/1.1 200 ") == 2
    assert connection.state == IDLE


@pytest.mark.parametrize(("trusted", "scheme"), [(("10.0.0.1",), "https"), ((), "http")])
def test_with_auto_and_no_header_the_list_of_proxies_says_who_is_believed(trusted, scheme):
    setting = Setting(forwarded_allow_ips=trusted)
    request = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n"

    setting.converse([request], peer=("10.0.0.1", 5555))

    assert setting.seen("wsgi.url_scheme") == [scheme]


def test_a_header_is_waited_for_under_the_deadline_of_a_head():
    setting = Setting()
    connection = setting.protocol.connect(("10.0.0.1", 5555))

    assert connection.feed(HEADER[:10]) == READING_HEAD
    assert connection.expire() == CLOSING


def test_a_header_without_a_request_yet_is_the_beginning_of_one():
    setting = Setting()
    connection = setting.protocol.connect(("10.0.0.1", 5555))

    assert connection.feed(HEADER) == READING_HEAD


def test_the_client_of_a_refused_request_is_named_in_its_record():
    setting = Setting()
    records = []
    setting.protocol._inner.log_access = (records.append,)

    setting.converse([HEADER + b"NONSENSE\r\n\r\n"], peer=("10.0.0.1", 5555))

    assert [record.environ["REMOTE_ADDR"] for record in records] == ["198.51.100.7"]


@pytest.mark.parametrize("field", ["X-Forwarded-Proto: https", "SCRIPT_NAME: /admin"])
def test_what_follows_the_header_is_not_believed_because_the_proxy_is(field):
    setting = Setting(forwarded_allow_ips=("10.0.0.1",))
    request = f"GET /admin/x HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n".encode()

    setting.converse([HEADER + request], peer=("10.0.0.1", 5555))

    assert setting.seen("wsgi.url_scheme") == ["http"]
    assert setting.seen("SCRIPT_NAME") == [""]


LOCAL = SIGNATURE + b"\x20\x00\0\0"
UNSPECIFIED = SIGNATURE + b"\x21\x00\0\0"


@pytest.mark.parametrize(
    "header", [b"PROXY UNKNOWN\r\n", LOCAL, UNSPECIFIED], ids=["unknown", "local", "unspecified"]
)
@pytest.mark.parametrize(
    ("field", "name", "value"),
    [
        ("X-Forwarded-Proto: https", "wsgi.url_scheme", "http"),
        ("SCRIPT_NAME: /admin", "SCRIPT_NAME", ""),
        ("X-Forwarded-For: 198.51.100.9", "REMOTE_ADDR", "10.0.0.1"),
    ],
)
def test_after_a_header_without_addresses_nothing_is_believed(header, field, name, value):
    """2.1 and 2.2: the addresses are the connection's own; who writes what follows is not known."""
    setting = Setting(forwarded_allow_ips=("10.0.0.1",), client_header="X-Forwarded-For")
    request = f"GET /admin/x HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n".encode()

    setting.converse([header + request * 2], peer=("10.0.0.1", 5555))

    assert setting.seen(name) == [value] * 2


def test_a_trusted_proxy_behind_the_proxy_is_believed():
    setting = Setting(forwarded_allow_ips=("198.51.100.7",))
    request = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n"

    setting.converse([HEADER + request], peer=("10.0.0.1", 5555))

    assert setting.seen("wsgi.url_scheme") == ["https"]
