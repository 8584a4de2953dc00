"""Addresses of the plugin's own."""

import socket

import pytest
from hookserve_health import sockets

from hookserve import ListenError


@pytest.fixture(autouse=True)
def _none_left():
    yield
    sockets.close_all(is_last=True)


def test_an_address_that_stays_keeps_its_socket():
    first = sockets.open_sockets(["127.0.0.1:0"])["127.0.0.1:0"]
    assert sockets.open_sockets(["127.0.0.1:0"])["127.0.0.1:0"] == first

    sockets.open_sockets([])

    assert first[0].fileno() == -1


def test_a_path_is_the_owners_alone_and_removed_at_the_end(tmp_path):
    path = tmp_path / "health.sock"
    sockets.open_sockets([f"unix:{path}"])
    assert path.stat().st_mode & 0o777 == 0o600

    sockets.close_all(is_last=True)

    assert not path.exists()


def test_a_worker_that_closes_them_leaves_the_path(tmp_path):
    path = tmp_path / "health.sock"
    (listener,) = sockets.open_sockets([f"unix:{path}"])[f"unix:{path}"]

    sockets.close_all(is_last=False)

    assert path.exists()
    listener.remove()


def test_an_address_in_use_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ListenError, match="already in use"):
            sockets.open_sockets([f"127.0.0.1:{taken.getsockname()[1]}"])
