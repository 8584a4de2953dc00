"""Listening sockets as gunicorn's hooks know them."""

import socket
from types import SimpleNamespace

import pytest
from hookserve_gunicorn.objects.listener import Listener


@pytest.fixture
def bind(tmp_path):
    """Binds a socket, and returns it as a hook gets it."""
    made = []

    def listen(family, address, scheme="http"):
        found = socket.socket(family)
        made.append(found)
        found.bind(address)
        return Listener(SimpleNamespace(socket=found, is_tcp=True), scheme)

    yield listen
    for each in made:
        each.close()


def test_it_is_shown_as_gunicorn_shows_it(bind, tmp_path):
    tcp = bind(socket.AF_INET, ("127.0.0.1", 0), "https")
    port = tcp.getsockname()[1]

    assert str(tcp) == f"https://127.0.0.1:{port}"
    assert tcp.cfg_addr == ("127.0.0.1", port)
    assert str(bind(socket.AF_INET6, ("::1", 0))).startswith("http://[::1]:")
    assert str(bind(socket.AF_UNIX, str(tmp_path / "s"))) == f"unix:{tmp_path}/s"
    assert str(bind(socket.AF_UNIX, f"\0{tmp_path}/s")) == f"unix:@{tmp_path}/s"


def test_it_has_what_a_socket_has_and_what_a_listener_has(bind):
    found = bind(socket.AF_INET, ("127.0.0.1", 0))

    assert found.fileno() == found.sock.fileno()
    assert found.family == socket.AF_INET
    assert found.is_tcp
    with pytest.raises(AttributeError, match="gunicorn's Listener has no 'wrong'"):
        _ = found.wrong
