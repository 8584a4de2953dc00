"""An application below a path of its own."""

import pytest
import support.corpus_driver as driver
from hookserve_http.mount import mount_path


def application(environ, start_response):
    body = f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def get(path, *fields, **settings):
    """Status and body."""
    protocol = driver.make_protocol(application, **settings)
    lines = [f"GET {path} HTTP/1.1", "Host: h", *fields, "", ""]
    transport, _ = driver.converse(protocol, ["\r\n".join(lines).encode()])
    head, _, body = transport.sent.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/cuts/x", "/cuts /x"),
        ("/cuts", "/cuts "),
        ("/cuts/", "/cuts /"),
        ("/cuts/a%20b", "/cuts /a b"),
    ],
)
@pytest.mark.parametrize("mounted", ["/cuts", "/cuts/"])
def test_the_path_is_split_at_the_mount(path, found, mounted):
    assert get(path, script_name=mounted) == (200, found)


@pytest.mark.parametrize("path", ["/", "/x", "/cutsx", "/x/cuts"])
def test_a_path_outside_is_an_error_of_the_server(path):
    status, body = get(path, script_name="/cuts")

    assert status == 500
    assert "does not begin with SCRIPT_NAME" in body


def test_a_proxys_header_wins():
    settings = {"script_name": "/cuts", "forwarded_allow_ips": "*"}

    assert get("/proxy/x", "SCRIPT_NAME: /proxy", **settings) == (200, "/proxy /x")


def test_without_the_setting_the_application_is_called_as_it_is():
    assert driver.make_protocol(application).app is application
    assert get("/cuts/x") == (200, " /cuts/x")


@pytest.mark.parametrize("value", ["cuts", 5, None])
def test_what_is_not_a_path_is_refused(value):
    with pytest.raises(ValueError, match="expected a path that begins with /"):
        mount_path(value)
