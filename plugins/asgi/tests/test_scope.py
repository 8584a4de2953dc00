"""What an application is told of a request."""

import pytest
from support.asgi import LENGTH_2, make_protocol, part

from hookserve.listeners.address import Endpoint


@pytest.fixture
def scopes(connect):
    """The scopes of requests with that head."""

    def scopes(*heads, state=None, **settings):
        async def application(scope, receive, send):
            found.append(scope)
            await send(LENGTH_2)
            await send(part(b"ok"))

        found = []
        client = connect(application, **settings)
        client.protocol.state = state
        for head in heads:
            client.feed(head.replace(b"\n", b"\r\n") + b"\r\n")
            assert found, client.sent
        return found

    return scopes


def test_a_plain_request(scopes):
    (scope,) = scopes(b"GET /a%20b/%C3%A9?x=%20&y HTTP/1.1\nHost: h\nX-A: 1\n")

    extensions = scope.pop("extensions")
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/a b/é",
        "raw_path": b"/a%20b/%C3%A9",
        "query_string": b"x=%20&y",
        "root_path": "",
        "headers": [(b"host", b"h"), (b"x-a", b"1")],
        "client": ("203.0.113.9", 50000),
        "server": ("127.0.0.1", 8000),
    }
    assert set(extensions) == {
        "http.response.pathsend",
        "http.response.zerocopysend",
        "http.response.trailers",
        "http.response.early_hint",
    }


def test_http_1_0_has_no_trailers_and_no_hints(scopes):
    (scope,) = scopes(b"GET / HTTP/1.0\n")

    assert scope["http_version"] == "1.0"
    assert set(scope["extensions"]) == {"http.response.pathsend", "http.response.zerocopysend"}


def test_headers_keep_their_order_and_their_repeats(scopes):
    (scope,) = scopes(b"GET / HTTP/1.1\nX-B: 1\nHost: h\nCookie: a\nX-B:\t2 \nCookie: b\n")

    assert scope["headers"] == [
        (b"x-b", b"1"),
        (b"host", b"h"),
        (b"cookie", b"a"),
        (b"x-b", b"2"),
        (b"cookie", b"b"),
    ]


def test_a_name_with_an_underscore_is_dropped(scopes):
    (scope,) = scopes(b"GET / HTTP/1.1\nHost: h\nX_A: 1\nX-A: 2\n")

    assert scope["headers"] == [(b"host", b"h"), (b"x-a", b"2")]


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "host"),
    [
        (b"http://other/a%20b?q", "/a b", b"/a%20b", b"other"),
        (b"http://other", "/", b"/", b"other"),
        (b"http://other?q", "/", b"/", b"other"),
    ],
)
def test_a_target_in_absolute_form(scopes, target, path, raw_path, host):
    (scope,) = scopes(b"GET " + target + b" HTTP/1.1\nHost: h\nX: y\n")

    assert (scope["path"], scope["raw_path"]) == (path, raw_path)
    assert scope["headers"] == [(b"host", host), (b"x", b"y")]


def test_a_target_that_is_a_star(scopes):
    (scope,) = scopes(b"OPTIONS * HTTP/1.1\nHost: h\n")

    assert (scope["path"], scope["raw_path"]) == ("*", b"*")


@pytest.mark.parametrize(
    ("target", "path"),
    [("/api/x", "/api/x"), ("/api", "/api"), ("/x", "/api/x"), ("/apiary", "/api/apiary")],
)
def test_the_root_path_is_part_of_the_path(scopes, target, path):
    (scope,) = scopes(f"GET {target} HTTP/1.1\nHost: h\n".encode(), script_name="/api")

    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/api", path, target.encode())


def test_a_proxy_names_the_root_path(scopes):
    (scope,) = scopes(
        b"GET /api/x HTTP/1.1\nHost: h\nSCRIPT_NAME: /api\n",
        forwarded_allow_ips="203.0.113.9",
        forwarder_headers="SCRIPT_NAME",
    )

    assert (scope["root_path"], scope["path"]) == ("/api", "/api/x")


def test_a_proxy_names_the_scheme(scopes):
    (scope,) = scopes(
        b"GET / HTTP/1.1\nHost: h\nX-Forwarded-Proto: https\n", forwarded_allow_ips="203.0.113.9"
    )

    assert scope["scheme"] == "https"


def test_each_request_has_a_scope_of_its_own(scopes):
    head = b"GET / HTTP/1.1\nHost: h\nX-A: 1\n"
    state = {"pool": []}

    first, second = scopes(head, head, state=state)

    for name in ("asgi", "headers", "extensions", "state"):
        assert first[name] == second[name]
        assert first[name] is not second[name]
    assert first["state"]["pool"] is state["pool"]


def test_a_head_that_is_repeated_has_a_scope_of_its_own_each_time(scopes):
    found = scopes(*[b"GET /a?b HTTP/1.1\nHost: h\n"] * 6, state={"a": []})

    assert all(each == found[0] for each in found)
    for name in ("asgi", "headers", "extensions", "state"):
        assert len({id(each[name]) for each in found}) == 6
    assert found[5]["state"]["a"] is found[0]["state"]["a"]


def test_without_a_lifespan_there_is_no_state(scopes):
    assert "state" not in scopes(b"GET / HTTP/1.1\nHost: h\n")[0]


def test_a_socket_in_the_file_system_is_the_server_by_its_path(loop):
    protocol = make_protocol(loop, None)

    of_path = type(protocol)(protocol.worker, Endpoint("/run/app.sock", ""), False)

    assert of_path.server == ("/run/app.sock", None)
    protocol.worker.starter.close()
