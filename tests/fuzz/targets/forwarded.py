"""What a trusted proxy says in X-Forwarded-For or Forwarded.

* It raises nothing but `BadRequest`.
* REMOTE_ADDR is an address, and one that the header has or the peer's own.
* No element counts for more than its own address: what stands before the first address that is not
  trusted changes nothing.
* The scheme is http or https, the host one that a Host may be.
"""

import ipaddress

from hookserve_http import grammar
from hookserve_http.errors import BadRequest
from hookserve_http.forwarded import ForwardedParser
from hookserve_http.rules import HeadRules

from hookserve.protocol.trust import address_of, trusts

PEER = "10.0.0.1"
TRUSTED = trusts(("10.0.0.0/8", "fc00::/7"))
TEMPLATE = {"SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "", "wsgi.url_scheme": "http"}
PARSERS = {
    name: ForwardedParser(HeadRules(), TEMPLATE, name, TRUSTED)
    for name in ("X-Forwarded-For", "Forwarded")
}
CONTROL = 1


def seeds():
    """Lists of hops."""
    for text in (
        b"203.0.113.1, 198.51.100.7, 10.1.1.1",
        b"[2001:db8::7]:4711",
        b"unknown, 10.1.1.1",
    ):
        yield b"\0" + text
    for text in (
        b'for=203.0.113.1;proto=http, for="[2001:db8::7]:4711";proto=https;host="shop:8443"',
        b'For="_hidden", for=10.1.1.1;by=10.1.1.2',
        b'for="198.51\\.100.7" ; secret=a , ,for=unknown',
    ):
        yield b"\1" + text


def check(data):
    """One header, and the same behind what a client may have put before it."""
    name = "Forwarded" if data[:CONTROL] == b"\1" else "X-Forwarded-For"
    value = data[CONTROL:]
    if len(value) > 4000 or b"\r" in value or b"\n" in value:
        return
    environ = understand(name, value)
    if environ is None:
        return
    address = environ["REMOTE_ADDR"]
    assert str(ipaddress.ip_address(address)) == address
    assert environ["wsgi.url_scheme"] in ("http", "https")
    assert grammar.HOST.fullmatch(environ["HTTP_HOST"])
    assert environ["REMOTE_PORT"].isdigit() or not environ["REMOTE_PORT"]
    if not TRUSTED(address):
        forged = b"for=192.0.2.66;proto=gopher, " if name == "Forwarded" else b"192.0.2.66, "
        again = understand(name, forged + value)
        assert again is not None
        assert again["REMOTE_ADDR"] == address, "what a client writes counts"
        assert again["wsgi.url_scheme"] == environ["wsgi.url_scheme"]


def understand(name, value):
    """The environ; `None` when the request is refused."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + name.encode() + b": " + value + b"\r\n\r\n"
    try:
        environ, _ = PARSERS[name].parse(head, PEER, "5555")
    except BadRequest:
        return None
    assert address_of(environ["REMOTE_ADDR"]) is not None
    return environ
