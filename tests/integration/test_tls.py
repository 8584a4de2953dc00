"""TLS, as clients meet it, under every worker model."""

import signal
import socket
import ssl

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from support.command import hookserve
from support.models import MODELS
from support.tls import TlsClient

from hookserve.testing import ServerFailed, serve, wait_until
from hookserve.testing.contract.client import Client, Closed, Load, request

APPLICATION = """
import json

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/digits":
        start_response("200 OK", [])
        return (b"%d," % number for number in range(1000))
    if path == "/file":
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](open("large", "rb"))
    if path == "/connection":
        names = ("wsgi.url_scheme", "HTTPS", "SERVER_PORT", "REMOTE_ADDR")
        shown = {key: environ[key] for key in environ if key.startswith("SSL_") or key in names}
        body = json.dumps(shown).encode()
    else:
        body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
LARGE = bytes(range(256)) * 12_000


class Site:
    """A directory with an application, an authority and a server's certificate."""

    def __init__(self, directory):
        self.directory = directory
        self.authority = trustme.CA()
        self.certfile = directory / "server.pem"
        self.issue("first.example")
        (directory / "app.py").write_text(APPLICATION)
        (directory / "large").write_bytes(LARGE)
        self.trust = ssl.create_default_context()
        self.trust.check_hostname = False
        self.authority.configure_trust(self.trust)

    def issue(self, name):
        """Put another certificate in the place of the server's."""
        made = self.authority.issue_cert(name)
        made.private_key_and_cert_chain_pem.write_to_path(self.certfile)

    def serve(self, worker, *, workers=1, **settings):
        settings = {"certfile": self.certfile, **settings}
        return serve("app", worker=worker, workers=workers, chdir=self.directory, settings=settings)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("tls"))


def names_of(client):
    return [value for kind, value in client.socket.getpeercert()["subjectAltName"]]


@pytest.mark.parametrize("worker", MODELS)
def test_requests_of_all_kinds_are_answered(site, worker):
    with site.serve(worker, workers=2) as server, TlsClient(server.address, site.trust) as client:
        environ = httpx.Response(200, content=client.ask(request("/connection")).body).json()
        assert environ["wsgi.url_scheme"] == "https"
        assert environ["HTTPS"] == "on"
        assert environ["SSL_PROTOCOL"] == "TLSv1.3"
        assert environ["SSL_CLIENT_VERIFY"] == "NONE"
        assert client.ask(request("/", method="POST", body=LARGE)).body == LARGE
        assert client.ask(request("/file")).body == LARGE
        assert client.ask(request("/digits")).text.endswith(",998,999,")
        client.send(request("/", method="POST", body=b"one") * 3)
        assert [client.read().text for _ in range(3)] == ["one"] * 3
        client.send(request("/", "Expect: 100-continue\r\nContent-Length: 3\r\n", "POST"))
        assert client.read().status == 100
        client.send(b"two")
        assert client.read().text == "two"
        answer = client.ask(request("/", "Connection: close\r\n"))
        assert answer.closes
        assert client.socket.recv(1) == b""  # close_notify: without it this raises


@pytest.mark.parametrize("worker", MODELS)
def test_a_client_without_tls_gets_a_response_that_says_so(site, worker):
    with site.serve(worker) as server:
        with Client(server.address) as client:
            answer = client.ask(request())
            assert (answer.status, answer.closes) == (400, True)
            assert "https" in answer.text
        with Client(server.address) as client:
            client.send(b"\x16\x03\x01\x00\x05nonsense")
            assert client.read_to_end()[:1] == b"\x15"  # an alert
        with TlsClient(server.address, site.trust) as client:
            assert client.ask(request()).status == 200


@pytest.mark.parametrize("worker", MODELS)
def test_half_a_handshake_delays_no_other_and_has_a_deadline(site, worker):
    with site.serve(worker, header_timeout=1) as server:
        silent = [Client(server.address) for _ in range(5)]
        for client in silent:
            client.send(b"\x16\x03\x01")
        with TlsClient(server.address, site.trust) as idle:
            with TlsClient(server.address, site.trust) as client:
                assert client.ask(request()).status == 200
            assert idle.socket.recv(1) == b""
        for client in silent:
            assert client.read_to_end() == b""
            client.socket.close()


@pytest.mark.parametrize("worker", MODELS)
def test_certificates_are_read_anew_without_dropping_a_connection(site, worker):
    site.issue("first.example")
    with site.serve(worker, workers=2, linger_timeout=0.3) as server:
        load = Load(server.address)
        load.open = lambda address: TlsClient(address, site.trust)
        with load, TlsClient(server.address, site.trust) as kept:
            assert names_of(kept) == ["first.example"]
            assert kept.ask(request()).status == 200
            site.issue("second.example")
            server.signal(signal.SIGHUP)
            server.wait_for("exit", count=2)
            load.wait_for(20)

            assert load.failures == []
        with TlsClient(server.address, site.trust) as client:
            assert names_of(client) == ["second.example"]


def test_a_certificate_that_cannot_be_used_gives_the_reload_up(site):
    site.issue("first.example")
    with site.serve("sync") as server:
        good = site.certfile.read_bytes()
        site.certfile.write_text("half a deployment")
        try:
            server.signal(signal.SIGHUP)
            assert "certfile" in server.wait_for("reload failed")["reason"]
        finally:
            site.certfile.write_bytes(good)
        with TlsClient(server.address, site.trust) as client:
            assert client.ask(request()).status == 200


@pytest.mark.parametrize("worker", ["sync", "gevent", "tornado"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_by_whichever_worker(site, worker, version):
    """W54: one context, inherited by all workers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.maximum_version = version
    site.authority.configure_trust(context)
    with site.serve(worker, workers=2) as server:
        with TlsClient(server.address, context) as client:
            client.ask(request())
            session = client.socket.session
        resumed = []
        for _ in range(12):
            with TlsClient(server.address, context, session) as client:
                assert client.ask(request()).status == 200
                resumed.append(client.socket.session_reused)

        assert all(resumed)


def test_the_protocol_is_agreed_on(site):
    """RFC 7301."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.set_alpn_protocols(["h2", "http/1.1"])
    site.authority.configure_trust(context)
    with site.serve("sync") as server, TlsClient(server.address, context) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("worker", MODELS)
def test_clients_show_their_certificates(site, worker):
    site.authority.cert_pem.write_to_path(site.directory / "authority.pem")
    settings = {"cert_reqs": "optional", "ca_certs": site.directory / "authority.pem"}
    known = ssl.create_default_context()
    known.check_hostname = False
    site.authority.configure_trust(known)
    site.authority.issue_cert("client@example.com", common_name="Ann, client").configure_cert(known)
    with site.serve(worker, **settings) as server:
        with TlsClient(server.address, known) as client:
            environ = httpx.Response(200, content=client.ask(request("/connection")).body).json()
            assert environ["SSL_CLIENT_VERIFY"] == "SUCCESS"
            assert environ["SSL_CLIENT_S_DN"].startswith(r"CN=Ann\, client,")
            assert environ["SSL_CLIENT_CERT"].startswith("-----BEGIN CERTIFICATE-----")
            assert environ["SSL_CLIENT_M_SERIAL"]
        with TlsClient(server.address, site.trust) as client:
            environ = httpx.Response(200, content=client.ask(request("/connection")).body).json()
            assert environ["SSL_CLIENT_VERIFY"] == "NONE"


def test_a_client_without_a_certificate_is_refused_where_it_is_required(site):
    site.authority.cert_pem.write_to_path(site.directory / "authority.pem")
    settings = {"cert_reqs": "2", "ca_certs": site.directory / "authority.pem"}
    with site.serve("sync", **settings) as server:
        # In TLS 1.3 the client learns of it with its first read.
        with pytest.raises((ssl.SSLError, Closed)), TlsClient(server.address, site.trust) as client:
            client.ask(request())


def test_a_certificate_of_another_authority_ends_its_own_connection(site):
    site.authority.cert_pem.write_to_path(site.directory / "authority.pem")
    settings = {"cert_reqs": "optional", "ca_certs": site.directory / "authority.pem"}
    with site.serve("sync", **settings) as server:
        pid = server.workers()[0]
        for name in ("client@example.com", "x" * 60):
            unknown = ssl.create_default_context()
            unknown.check_hostname = False
            site.authority.configure_trust(unknown)
            trustme.CA().issue_cert(name).configure_cert(unknown)
            with (
                pytest.raises((ssl.SSLError, OSError)),
                TlsClient(server.address, unknown) as client,
            ):
                client.ask(request())
        with TlsClient(server.address, site.trust) as client:
            assert client.ask(request()).status == 200
        assert server.workers()[0] == pid


@pytest.mark.parametrize("worker", MODELS)
def test_an_idle_connection_may_ask_once_more_while_the_server_stops(site, worker):
    with site.serve(worker) as server, TlsClient(server.address, site.trust) as client:
        assert client.ask(request()).status == 200
        server.signal(signal.SIGTERM)

        wait_until(lambda: client.ask(request()).closes)
        assert server.wait() == 0


def test_a_hook_makes_the_context(site, tmp_path):
    """By gunicorn's name and arguments."""
    (tmp_path / "hookserve.conf.py").write_text(
        "import ssl\n"
        "def ssl_context(config, default_ssl_context_factory):\n"
        "    context = default_ssl_context_factory()\n"
        "    context.minimum_version = ssl.TLSVersion.TLSv1_3\n"
        "    return context\n"
    )
    old = ssl.create_default_context()
    old.check_hostname = False
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    site.authority.configure_trust(old)
    arguments = ["-c", str(tmp_path / "hookserve.conf.py")]
    settings = {"certfile": site.certfile}
    with serve("app", chdir=site.directory, settings=settings, arguments=arguments) as server:
        with TlsClient(server.address, site.trust) as client:
            assert client.ask(request()).status == 200
        with pytest.raises(ssl.SSLError):
            TlsClient(server.address, old)


class TestWrongSettings:
    """One line that says what is wrong, from the start and from --check-config alike."""

    @pytest.fixture(autouse=True)
    def _files(self, site, tmp_path):
        self.site, self.directory = site, tmp_path
        other = site.authority.issue_cert("other.example")
        other.private_key_pem.write_to_path(tmp_path / "other.pem")
        (tmp_path / "garbage.pem").write_text("no certificate\n")
        key = serialization.load_pem_private_key(other.private_key_pem.bytes(), None)
        (tmp_path / "encrypted.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"secret"),
            )
        )

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"certfile": "absent.pem"}, "certfile: cannot read absent.pem: no such file"),
            ({"certfile": "garbage.pem"}, "hold no certificate with its key, in PEM"),
            ({"keyfile": "other.pem"}, "is not that of the certificate in"),
            ({"keyfile": "encrypted.pem"}, "keyfile: encrypted.pem is encrypted (decrypt it"),
            ({"ciphers": "NONE-OF-THESE"}, "ciphers: OpenSSL knows none in 'NONE-OF-THESE'"),
            ({"cert_reqs": "required"}, "ca_certs names no authority"),
            (
                {"ca_certs": "garbage.pem", "cert_reqs": "optional"},
                "ca_certs: garbage.pem holds no certificates",
            ),
            ({"cert_reqs": "perhaps"}, "expected one of none, optional, required"),
            ({"certfile": "", "keyfile": "other.pem"}, "there is no certfile, so nothing is enc"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    @pytest.mark.parametrize("check", [True, False], ids=["checked", "started"])
    def test_it_is_said(self, settings, message, check):
        given = {"certfile": str(self.site.certfile), "chdir": str(self.directory), **settings}
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        flags += ["--check-config"] if check else ["-b", "127.0.0.1:0"]
        (self.directory / "app.py").write_text(APPLICATION)

        done = hookserve(*flags, "app")

        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_port_is_not_left_open_by_a_start_that_fails(site, tmp_path, free_port):
    """W49: nothing is served in plain text for want of a certificate."""
    (tmp_path / "garbage.pem").write_text("no certificate\n")
    settings = {"certfile": tmp_path / "garbage.pem"}
    with pytest.raises(ServerFailed):
        serve(
            "app", chdir=site.directory, bind=f"127.0.0.1:{free_port}", settings=settings
        ).__enter__()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port))
