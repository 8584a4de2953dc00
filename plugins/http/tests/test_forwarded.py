"""Who the client is, when a trusted proxy says so."""

import pytest
import support.corpus_driver as driver

PROXY = ("10.0.0.0/8",)


def environ_of(fields, peer="10.0.0.1", **settings):
    """What the application sees, or the status of the refusal."""
    app = driver.Recorder()
    protocol = driver.make_protocol(app, **{"forwarded_allow_ips": PROXY, **settings})
    data = f"GET / HTTP/1.1\r\nHost: inner\r\n{fields}\r\n".encode("latin-1")
    sent, _ = driver.converse(protocol, [data], peer=(peer, 5555))
    return app.environs[0] if app.environs else int(sent.sent[9:12])


def client(fields, name, **settings):
    environ = environ_of(fields, client_header=name, **settings)
    return environ if isinstance(environ, int) else environ["REMOTE_ADDR"]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.1, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.1, 198.51.100.7, 10.9.9.9 ,10.8.8.8", "198.51.100.7"),
        ("10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, unknown, 10.2.2.2", "10.2.2.2"),
        ("<script>", "10.0.0.1"),
        ("", "10.0.0.1"),
        (",", "10.0.0.1"),
        ("198.51.100.7, ", "10.0.0.1"),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_client(value, address):
    assert client(f"X-Forwarded-For: {value}\r\n", "X-Forwarded-For") == address


def test_a_list_in_two_fields_is_one_list():
    fields = "X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 198.51.100.7, 10.1.1.1\r\n"

    assert client(fields, "x-forwarded-for") == "198.51.100.7"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("for=198.51.100.7", "198.51.100.7"),
        ('For="[2001:db8::7]:4711";proto=https', "2001:db8::7"),
        ("for=203.0.113.1, for=198.51.100.7;by=10.1.1.1, for=10.2.2.2", "198.51.100.7"),
        ('for="198.51.100.7:4711" ; proto=http', "198.51.100.7"),
        ("for=198.51.100.7, for=_hidden", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
        ("proto=https", "10.0.0.1"),
        (r'for="198.51\.100.7"', "198.51.100.7"),
        ("for=198.51.100.7, ,", "198.51.100.7"),
        ('for="198.51.100.7', 400),
        ("for=198.51.100.7;for=198.51.100.8", 400),
        ("for=a b", 400),
        ("nothing", 400),
        ('for=198.51.100.7;host="a b"', 400),
    ],
)
def test_forwarded_is_read_by_its_grammar(value, address):
    """RFC 7239, 4."""
    assert client(f"Forwarded: {value}\r\n", "Forwarded") == address


def test_forwarded_says_scheme_and_host_too():
    fields = (
        'Forwarded: for=203.0.113.1;proto=http, for=198.51.100.7;proto=HTTPS;host="shop:8443"\r\n'
    )

    environ = environ_of(fields, client_header="Forwarded")

    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == "shop:8443"


def test_the_port_is_the_clients_or_none():
    fields = "X-Forwarded-For: 198.51.100.7:4711\r\n"
    assert environ_of(fields, client_header="X-Forwarded-For")["REMOTE_PORT"] == "4711"
    fields = "X-Forwarded-For: 198.51.100.7\r\n"
    assert environ_of(fields, client_header="X-Forwarded-For")["REMOTE_PORT"] == ""
    assert environ_of("", client_header="X-Forwarded-For")["REMOTE_PORT"] == "5555"


def test_who_is_no_proxy_is_not_believed():
    fields = "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"

    environ = environ_of(fields, peer="203.0.113.9", client_header="X-Forwarded-For")

    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert environ["REMOTE_PORT"] == "5555"
    assert environ["wsgi.url_scheme"] == "http"


def test_no_header_is_trusted_by_default():
    assert environ_of("X-Forwarded-For: 198.51.100.7\r\n")["REMOTE_ADDR"] == "10.0.0.1"


def test_one_clients_address_is_not_the_next_ones():
    """Heads that are cached (`hookserve_http.head`) mean nothing about the peer."""
    app = driver.Recorder()
    settings = {"forwarded_allow_ips": PROXY, "client_header": "X-Forwarded-For"}
    protocol = driver.make_protocol(app, **settings)
    for peer in ("10.0.0.1", "10.0.0.2"):
        for fields in ("X-Forwarded-For: 198.51.100.7\r\n", ""):
            data = f"GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode()
            driver.converse(protocol, [data] * 2, peer=(peer, 5555))

    found = [environ["REMOTE_ADDR"] for environ in app.environs]
    assert (
        found == ["198.51.100.7"] * 2 + ["10.0.0.1"] * 2 + ["198.51.100.7"] * 2 + ["10.0.0.2"] * 2
    )


@pytest.mark.parametrize("name", ["", "X-Real-IP", "CF-Connecting-IP"])
def test_any_header_may_name_the_client(name):
    expected = "198.51.100.7" if name else "10.0.0.1"

    assert client(f"{name or 'X'}: 198.51.100.7\r\n", name) == expected


@pytest.mark.parametrize(
    "trusted", ["*", "0.0.0.0/0", "0.0.0.0/1,128.0.0.0/1", "2000::/3,0.0.0.0/1"]
)
def test_where_every_address_is_trusted_one_element_is_believed(trusted):
    fields = "X-Forwarded-For: 6.6.6.6, 98.51.100.7\r\n"

    assert client(fields, "X-Forwarded-For", forwarded_allow_ips=trusted) == "98.51.100.7"
