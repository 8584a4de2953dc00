"""What is true of every request and of every response, by generated ones."""

from string import ascii_letters, ascii_uppercase, digits, printable
from urllib.parse import unquote_to_bytes

import h11
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as trial
from hypothesis import strategies as st

from hookserve.protocol.seam import IDLE
from hookserve.testing.fakes import MemoryTransport
from tests.fuzz.conversation import Application, converse, make_protocol
from tests.fuzz.pieces import cut

bounded = trial(
    derandomize=True,
    max_examples=80,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TOKEN = ascii_letters + digits + "!#$%&'*+-.^`|~"
WITH_A_MEANING = frozenset(
    {
        "AUTHORIZATION",
        "CONNECTION",
        "CONTENT-ENCODING",
        "CONTENT-LENGTH",
        "CONTENT-RANGE",
        "CONTENT-TYPE",
        "COOKIE",
        "DATE",
        "EXPECT",
        "HOST",
        "KEEP-ALIVE",
        "PROXY-AUTHENTICATE",
        "PROXY-AUTHORIZATION",
        "SERVER",
        "SET-COOKIE",
        "TE",
        "TRAILER",
        "TRAILERS",
        "TRANSFER-ENCODING",
        "UPGRADE",
    }
)

tokens = st.text(TOKEN, min_size=1, max_size=12)
values = st.text(
    st.characters(codec="latin-1", exclude_categories=["Cc"]) | st.just("\t"), max_size=30
).map(lambda text: text.strip(" \t"))
fields = st.lists(
    st.tuples(tokens.filter(lambda name: name.upper() not in WITH_A_MEANING), values),
    max_size=6,
    unique_by=lambda pair: pair[0].upper(),
)
spaces = st.text(" \t", max_size=2)
methods = st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]) | st.text(
    ascii_uppercase + "-", min_size=3, max_size=20
).filter(lambda name: name != "CONNECT")
visible = sorted(set(printable) - set(" \t\n\r\v\f#"))
targets = st.text(visible, max_size=40).map("/".__add__)
bodies = st.binary(max_size=200)
quoted = st.text(sorted({*visible, " ", "#"} - {'"', "\\"}), max_size=8).map('"{}"'.format)
extensions = st.lists(
    st.tuples(tokens, st.just("") | tokens.map("={}".format) | quoted.map("={}".format)).map(
        "".join
    ),
    max_size=2,
).map(lambda parts: "".join(f";{part}" for part in parts))


@st.composite
def chunked(draw, body):
    """The body in chunks, with extensions and trailers."""
    parts, at = [], 0
    while at < len(body):
        size = draw(st.integers(1, len(body) - at))
        number = draw(st.sampled_from(["{:x}", "{:X}", "0{:x}"])).format(size)
        parts.append(f"{number}{draw(extensions)}\r\n".encode() + body[at : at + size] + b"\r\n")
        at += size
    trailers = "".join(f"{name}: {value}\r\n" for name, value in draw(fields))
    return b"".join((*parts, f"0{draw(extensions)}\r\n{trailers}\r\n".encode("latin-1")))


@st.composite
def requests(draw):
    """A request's bytes, what its environ holds, and its body."""
    method, target, sent = draw(methods), draw(targets), draw(fields)
    body, coded = b"", b""
    framing = draw(st.sampled_from(["none", "length", "chunked"]))
    lines = [("Host", "example.com"), *sent]
    if framing != "none":
        body = coded = draw(bodies)
    if framing == "length":
        lines.append(("Content-Length", str(len(body))))
    elif framing == "chunked":
        coded = draw(chunked(body))
        lines.append(("Transfer-Encoding", "chunked"))
    text = "".join(
        f"{name}:{draw(spaces)}{value}{draw(spaces)}\r\n"
        for name, value in draw(st.permutations(lines))
    )
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "QUERY_STRING": query,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "HTTP_HOST": "example.com",
    }
    environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in sent}
    return f"{method} {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1") + coded, environ, body


def outcome_of(pieces, buffered):
    app = Application(lambda environ: environ["wsgi.input"].read())
    return converse(make_protocol(app, buffered), pieces, app)


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
def test_what_was_sent_is_what_the_application_sees(buffered):
    @bounded
    @given(st.lists(requests(), min_size=1, max_size=3))
    def check(sent):
        outcome = outcome_of([b"".join(wire for wire, _, _ in sent)], buffered)

        assert outcome.statuses == [200] * len(sent)
        assert outcome.state == IDLE
        assert outcome.bodies == [body for _, _, body in sent]
        for found, (_, environ, _) in zip(outcome.environs, sent, strict=True):
            plan = {key: each for key, each in found.items() if key.startswith("HTTP_")}
            plan.pop("HTTP_TRANSFER_ENCODING", None)
            assert plan == {key: each for key, each in environ.items() if key.startswith("HTTP_")}
            assert environ.items() <= found.items()

    check()


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
def test_how_requests_are_split_makes_no_difference(buffered):
    @bounded
    @given(
        st.lists(requests().map(lambda sent: sent[0]), min_size=1, max_size=3).map(b"".join),
        st.integers(0, 400),
        st.binary(max_size=2),
        st.lists(st.integers(1, 90), min_size=1, max_size=4),
    )
    def check(wire, at, wrong, sizes):
        wire = wire[:at] + wrong + wire[at:]

        assert outcome_of(cut(wire, sizes), buffered) == outcome_of([wire], buffered)

    check()


RESPONSES = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "HEAD"]),
        "version": st.sampled_from(["1.1", "1.1", "1.0"]),
        "code": st.sampled_from([200, 200, 200, 204, 304]) | st.integers(200, 599),
        "reason": st.text(sorted({*visible, " "}), max_size=12),
        "fields": fields,
        "parts": st.lists(st.binary(max_size=60), max_size=4),
        "declares": st.booleans(),
        "gives": st.sampled_from(["list", "iterator", "write"]),
    }
)


def application_for(plan):
    """An application that answers so."""

    def application(environ, start_response):
        headers = list(plan["fields"])
        if plan["declares"]:
            headers.append(("Content-Length", str(len(b"".join(plan["parts"])))))
        write = start_response(f"{plan['code']} {plan['reason']}", headers)
        if plan["gives"] == "list":
            return plan["parts"]
        if plan["gives"] == "iterator":
            return iter(plan["parts"])
        for part in plan["parts"]:
            write(part)
        return []

    return application


def parsed(method, sent):
    """Status, reason, fields and body as h11 reads them; nothing may follow."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(sent)
    client.receive_data(b"")
    response = client.next_event()
    body = b""
    while type(event := client.next_event()) is h11.Data:
        body += event.data
    assert type(event) is h11.EndOfMessage
    assert not client.trailing_data[0]
    own = {b"date", b"server", b"connection", b"content-length", b"transfer-encoding"}
    plan = [
        (name.decode(), value.decode("latin-1"))
        for name, value in response.headers
        if name not in own
    ]
    return response.status_code, response.reason.decode("latin-1"), plan, body


def in_parts(**plan):
    """A response in two parts of unknown length."""
    return {
        "method": "GET",
        "version": "1.1",
        "code": 200,
        "reason": "OK",
        "fields": [],
        "parts": [b"ab", b"c"],
        "declares": False,
        "gives": "iterator",
        **plan,
    }


@trial(bounded, max_examples=300)
@given(RESPONSES)
@example(in_parts())
@example(in_parts(gives="write"))
@example(in_parts(version="1.0"))
@example(in_parts(declares=True))
def test_the_client_reads_what_the_application_returns(plan):
    transport = MemoryTransport()
    connection = make_protocol(application_for(plan), False).connect(("203.0.113.9", 50000))
    connection.feed(f"{plan['method']} / HTTP/{plan['version']}\r\nHost: a\r\n\r\n".encode())
    connection.run(transport)

    code, reason, fields_read, body = parsed(plan["method"], transport.sent)

    is_bodiless = plan["method"] == "HEAD" or plan["code"] in (204, 304)
    assert (code, reason) == (plan["code"], plan["reason"])
    assert fields_read == [(name.lower(), value) for name, value in plan["fields"]]
    assert body == (b"" if is_bodiless else b"".join(plan["parts"]))
