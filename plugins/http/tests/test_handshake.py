"""The opening handshake of a websocket (RFC 6455, 4.2)."""

import pytest
from hookserve_http.errors import BadRequest
from hookserve_http.handshake import asks_for_websocket, read_handshake

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("upgrade", ["websocket", "WebSocket", "h2c, websocket"])
def test_a_get_with_upgrade_asks_for_one(upgrade):
    assert asks_for_websocket({**ENVIRON, "HTTP_UPGRADE": upgrade})


@pytest.mark.parametrize(
    "change",
    [{"REQUEST_METHOD": "POST"}, {"SERVER_PROTOCOL": "HTTP/1.0"}, {"HTTP_UPGRADE": "h2c"}],
    ids=str,
)
def test_other_requests_do_not(change):
    assert not asks_for_websocket({**ENVIRON, **change})


def test_the_example_of_the_rfc():
    """RFC 6455, 1.3."""
    handshake = read_handshake({**ENVIRON, "HTTP_SEC_WEBSOCKET_PROTOCOL": "chat, superchat"})

    assert handshake.accept == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert handshake.subprotocols == ["chat", "superchat"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"HTTP_SEC_WEBSOCKET_VERSION": "8"}, 426),
        ({"HTTP_SEC_WEBSOCKET_VERSION": None}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": None}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": "c2hvcnQ="}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ!!"}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": "é" * 24}, 400),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="}, 400),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "13, 8"}, 426),
        ({"HTTP_CONNECTION": "keep-alive"}, 400),
        ({"HTTP_SEC_WEBSOCKET_PROTOCOL": "chat room"}, 400),
    ],
    ids=str,
)
def test_what_breaks_the_rfc_is_refused(change, status):
    environ = {name: value for name, value in {**ENVIRON, **change}.items() if value is not None}

    with pytest.raises(BadRequest) as caught:
        read_handshake(environ)

    assert caught.value.status == status
