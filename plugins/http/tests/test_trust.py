"""What a client writes is not believed, whatever its proxy is allowed to say."""

import time

import pytest
import support.corpus_driver as driver
from hookserve_http import forwarded
from hookserve_http.profiles import PROFILES

PRIVATE = "10.0.0.1"


def environ_of(head_fields, peer=PRIVATE, **settings):
    """The environ of a request with these fields that comes from a proxy."""
    seen = []

    def app(environ, start_response):
        seen.append(dict(environ))
        start_response("200 OK", [("Content-Length", "0")])
        return []

    protocol = driver.make_protocol(app, **settings)
    request = b"GET /admin/x HTTP/1.1\r\nHost: a\r\n" + head_fields + b"\r\n"
    driver.converse(protocol, [request], peer=(peer, 50000))
    return seen[0] if seen else None


def test_with_every_proxy_trusted_only_the_last_element_is_believed():
    environ = environ_of(b"X-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n", behind="heroku")

    assert environ["REMOTE_ADDR"] == "203.0.113.7"


@pytest.mark.parametrize("profile", ["alb", "caddy", "traefik"])
def test_a_client_in_a_private_network_does_not_choose_its_address(profile):
    environ = environ_of(b"X-Forwarded-For: 6.6.6.6, 10.9.9.9\r\n", behind=profile)

    assert environ["REMOTE_ADDR"] == "10.9.9.9"


def test_as_many_hops_are_believed_as_are_configured():
    field = b"X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.1.1.1\r\n"

    assert environ_of(field, behind="alb", proxy_hops=2)["REMOTE_ADDR"] == "203.0.113.7"
    assert environ_of(field, behind="alb", proxy_hops=1)["REMOTE_ADDR"] == "10.1.1.1"


def test_named_proxies_are_passed_as_before():
    environ = environ_of(
        b"X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.0.0.2\r\n",
        forwarded_allow_ips="10.0.0.1,10.0.0.2",
        client_header="X-Forwarded-For",
    )

    assert environ["REMOTE_ADDR"] == "203.0.113.7"


@pytest.mark.parametrize("settings", [{"header_map": "dangerous"}, {"forwarder_headers": "*"}, {}])
@pytest.mark.parametrize("name", [b"Transfer_Encoding", b"transfer_encoding"])
def test_a_name_with_an_underscore_never_frames_a_body(settings, name):
    environ = environ_of(name + b": chunked\r\n", forwarded_allow_ips="*", **settings)

    assert "HTTP_TRANSFER_ENCODING" not in environ


@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"nlb"}))
def test_a_proxy_that_passes_underscores_on_does_not_move_the_script_name(name):
    peer = "127.0.0.1"
    environ = environ_of(b"SCRIPT_NAME: /admin\r\n", peer=peer, behind=name)

    assert environ["SCRIPT_NAME"] == ("/admin" if name == "nginx" else "")


def duration(call, *arguments):
    began = time.process_time()
    call(*arguments)
    return time.process_time() - began


def parse_blanks(count):
    with pytest.raises(forwarded.BadRequest):
        list(forwarded._hops_of_forwarded("for=1.2.3.4," + " " * count + '"'))


def test_blanks_in_forwarded_cost_what_they_weigh():
    small, large = (
        min(duration(parse_blanks, count) for _ in range(5)) for count in (20000, 80000)
    )

    assert large < 12 * small + 0.005
