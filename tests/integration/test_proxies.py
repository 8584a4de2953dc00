"""What a proxy in front says, under every worker model, before any application sees the request."""

import json
import socket

import pytest
from support.command import hookserve
from support.models import MODELS
from support.tls import issue_server_certificate

from hookserve.testing import serve
from hookserve.testing.contract.client import Client, Closed, request

HEADER = b"PROXY TCP4 198.51.100.7 203.0.113.5 51234 443\r\n"
APPLICATION = """
import json

NAMES = ("REMOTE_ADDR", "REMOTE_PORT", "HTTP_HOST", "wsgi.url_scheme", "PROXY_ADDR", "SCRIPT_NAME")

def application(environ, start_response):
    body = json.dumps({name: environ.get(name) for name in NAMES}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


def environ(client, extra=""):
    return json.loads(client.ask(request("/", extra)).text)


@pytest.mark.parametrize("worker", MODELS)
def test_the_proxy_protocol_names_the_client_of_every_request(site, worker):
    """W43."""
    settings = {"proxy_protocol": "auto"}
    with serve("app", worker=worker, chdir=site, settings=settings) as server:
        with Client(server.address) as client:
            client.send(HEADER)
            found = [environ(client) for _ in range(3)]
            assert {each["REMOTE_ADDR"] for each in found} == {"198.51.100.7"}
            assert {each["REMOTE_PORT"] for each in found} == {"51234"}
            assert {each["PROXY_ADDR"] for each in found} == {"203.0.113.5"}
        with Client(server.address) as client:
            assert environ(client)["REMOTE_ADDR"] == "127.0.0.1"


def test_a_version_of_the_proxy_protocol_that_is_named_needs_its_header(site):
    with (
        serve("app", chdir=site, settings={"proxy_protocol": "v1"}) as server,
        Client(server.address) as client,
        pytest.raises(Closed),
    ):
        client.ask(request())


@pytest.mark.parametrize("worker", MODELS)
def test_tls_may_follow_the_proxy_protocol(site, worker):
    context = issue_server_certificate(site / "server.pem")
    settings = {"proxy_protocol": "v1", "certfile": site / "server.pem"}
    with (
        serve("app", worker=worker, chdir=site, settings=settings) as server,
        Client(server.address) as client,
    ):
        client.send(HEADER)
        client.socket = context.wrap_socket(client.socket)
        found = environ(client)

        assert found["REMOTE_ADDR"] == "198.51.100.7"
        assert found["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize("worker", MODELS)
def test_a_trusted_proxy_names_client_and_scheme(site, worker):
    fields = "X-Forwarded-For: 203.0.113.1, 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
    with (
        serve("app", worker=worker, chdir=site, settings={"behind": "nginx"}) as server,
        Client(server.address) as client,
    ):
        assert environ(client, fields)["REMOTE_ADDR"] == "198.51.100.7"
        assert environ(client, fields)["wsgi.url_scheme"] == "https"
        assert environ(client)["REMOTE_ADDR"] == "127.0.0.1"
        assert environ(client)["wsgi.url_scheme"] == "http"


def test_a_unix_socket_is_trusted_where_it_is_named(site):
    path = site / "socket"
    fields = "X-Forwarded-For: 198.51.100.7\r\n"
    for allowed, expected in (("unix:", "198.51.100.7"), ("10.0.0.0/8", "")):
        settings = {"client_header": "X-Forwarded-For", "forwarded_allow_ips": allowed}
        with serve("app", chdir=site, bind=f"unix:{path}", settings=settings):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(request("/", f"{fields}Connection: close\r\n"))
                client.settimeout(10)
                answer = b"".join(iter(lambda: client.recv(65536), b""))

            assert json.loads(answer.partition(b"\r\n\r\n")[2])["REMOTE_ADDR"] == expected


def test_the_access_log_names_the_client(site):
    settings = {"behind": "nginx", "access_logfile": "-"}
    with serve("app", chdir=site, settings=settings) as server:
        with Client(server.address) as client:
            environ(client, "X-Forwarded-For: 198.51.100.7\r\n")
        server.stop()

        assert any(line.startswith("198.51.100.7 ") for line in server.log.splitlines())


def test_a_profile_gives_way_to_what_is_said(site):
    done = hookserve(
        "--behind", "alb", "--keep-alive", "5", "--print-config", "--json", "app", cwd=site
    )

    found = json.loads(done.stdout)
    assert found["keepalive"] == {"value": 5.0, "origin": "command line"}
    assert found["client_header"] == {"value": "X-Forwarded-For", "origin": "behind=alb"}
    assert "10.0.0.0/8" in found["forwarded_allow_ips"]["value"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--forwarded-allow-ips", "10.0.0.1/8"], "forwarded_allow_ips (command line): expected"),
        (["--forwarded-allow-ips", "proxy.example"], "expected addresses, networks, unix: or *"),
        (["--proxy-allow-ips", "x"], "proxy_allow_ips (command line): expected addresses"),
        (["--client-header", "X Real IP"], "client_header (command line): expected the name of"),
        (["--behind", "iis"], "behind (command line): expected one of none, nginx, haproxy"),
    ],
)
def test_a_wrong_setting_is_said_in_one_line(site, arguments, message):
    done = hookserve(*arguments, "--check-config", "app", cwd=site)

    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
