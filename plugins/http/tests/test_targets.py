"""Which resource a request is for: its target and its Host (RFC 9112, 3.2 and 3.3)."""

import pytest
import support.corpus_driver as driver

from hookserve.protocol.seam import CLOSING


def talk(target, hosts=("h",), version="1.1", method="GET", **settings):
    """The status, and what the application was given."""
    app = driver.Recorder()
    fields = "".join(f"Host: {host}\r\n" for host in hosts)
    data = f"{method} {target} HTTP/{version}\r\n{fields}\r\n".encode("latin-1")
    protocol = driver.make_protocol(app, **settings)
    transport, connection = driver.converse(protocol, [data])
    status = int(transport.sent.split()[1])
    assert (connection.state == CLOSING) or status == 200
    return status, app.environs[0] if app.environs else {}


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("hosts", [("h",), ("",), ("h:80",), ("other",)])
def test_the_authority_of_an_absolute_target_replaces_the_host(hosts, version):
    for _ in range(3):
        status, environ = talk("http://other:81/p?q", hosts, version)

        assert status == 200
        assert environ["HTTP_HOST"] == "other:81"
        assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/p", "q")
        assert environ["RAW_URI"] == "http://other:81/p?q"


@pytest.mark.parametrize("target", ["/", "http://other/", "h:443", "*"])
@pytest.mark.parametrize(
    ("hosts", "version"),
    [
        ((), "1.1"),
        (("h", "h"), "1.1"),
        (("h", "h"), "1.0"),
        (("h", "other"), "1.1"),
        (("", "h"), "1.1"),
        (("a b",), "1.1"),
        (("a b",), "1.0"),
        (("http://h",), "1.1"),
        (("user@h",), "1.1"),
    ],
)
def test_a_host_that_is_missing_repeated_or_none_is_refused_whatever_the_target(
    target, hosts, version
):
    method = {"h:443": "CONNECT", "*": "OPTIONS"}.get(target, "GET")

    assert talk(target, hosts, version, method) == (400, {})


@pytest.mark.parametrize("target", ["/", "http://other/"])
def test_http_1_0_needs_no_host(target):
    status, environ = talk(target, (), "1.0")

    assert status == 200
    assert environ.get("HTTP_HOST") == (None if target == "/" else "other")


@pytest.mark.parametrize(
    "host",
    [
        "a[::1]",
        "[::1]a",
        "[::1][::1]",
        "[::1",
        "::1",
        ":80",
        "a:b",
        "a:80:80",
        "%4",
        "a%zz",
        "[]",
        "[g::1]",
    ],
)
def test_what_is_no_host_with_a_port_is_refused(host):
    assert talk("/", (host,))[0] == 400
    assert talk(f"http://{host}/")[0] == 400


@pytest.mark.parametrize(
    "host", ["a", "A.b-c_d~", "1.2.3.4:", "[::1]", "[::ffff:1.2.3.4]:8080", "a%41:1", "a,b"]
)
def test_what_is_one_is_taken_as_it_is(host):
    assert talk("/", (host,))[1]["HTTP_HOST"] == host
    assert talk(f"http://{host}/")[1]["HTTP_HOST"] == host


@pytest.mark.parametrize("port", ["", "0", "65536", "99999", "123456", "x", "-1", "+1", "1 "])
def test_connect_to_a_port_that_there_is_not_is_refused(port):
    assert talk(f"h:{port}", method="CONNECT")[0] == 400


@pytest.mark.parametrize("port", ["1", "443", "65535"])
def test_connect_is_the_applications(port):
    status, environ = talk(f"h:{port}", method="CONNECT")

    assert status == 200
    assert environ["HTTP_HOST"] == f"h:{port}"
    assert environ["PATH_INFO"] == ""


def test_the_scheme_is_the_connections_whatever_the_target_says():
    assert talk("https://other/")[1]["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PATCH", "M-SEARCH", "UNHEARD-OF"])
def test_methods_are_the_applications(method):
    status, environ = talk("/x", method=method)

    assert status == 200
    assert environ["REQUEST_METHOD"] == method


@pytest.mark.parametrize("method", ["get", "Get", "HEAd"])
def test_methods_have_a_case(method):
    assert talk("/", method=method)[0] == 400
    assert (
        talk("/", method=method, permit_unconventional_http_method=True)[1]["REQUEST_METHOD"]
        == method
    )


def test_a_line_of_8000_bytes_is_taken_where_the_limit_allows_it():
    target = "/" + "x" * 7984

    assert talk(target)[0] == 414
    assert talk(target, limit_request_line=8000)[0] == 200
