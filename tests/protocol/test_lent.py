"""The socket of a connection that an application has taken over."""

import socket
import threading

import pytest

from hookserve.protocol.lent import LentSocket


@pytest.fixture
def pair():
    client, accepted = socket.socketpair()
    lent = LentSocket(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
    lent.settimeout(5)
    client.settimeout(5)
    with client, lent:
        yield client, lent


def test_what_is_put_back_comes_before_what_the_kernel_has(pair):
    client, lent = pair
    client.sendall(b"second")
    lent.put_back(b"first ")

    assert lent.recv(100) == b"first "
    assert lent.recv(100) == b"second"


def test_a_part_of_what_is_put_back_may_be_received(pair):
    _, lent = pair
    lent.put_back(b"abcdef")

    assert [lent.recv(4), lent.recv(4)] == [b"abcd", b"ef"]


def test_looking_at_what_is_put_back_leaves_it(pair):
    _, lent = pair
    lent.put_back(b"abc")

    assert lent.recv(2, socket.MSG_PEEK) == b"ab"
    assert lent.recv(10) == b"abc"


def test_a_buffer_gets_what_is_put_back(pair):
    client, lent = pair
    client.sendall(b"more")
    lent.put_back(b"abc")
    buffer = bytearray(8)

    assert lent.recv_into(buffer) == 3
    assert buffer[:3] == b"abc"
    assert lent.recv_into(buffer, 2) == 2
    assert buffer[:2] == b"mo"


def test_a_file_of_it_has_both(pair):
    client, lent = pair
    client.sendall(b"d\nnext\n")
    lent.put_back(b"hea")

    with lent.makefile("rb") as file:
        assert [file.readline(), file.readline()] == [b"head\n", b"next\n"]


def test_send_sends_everything_even_where_the_kernel_takes_pieces(pair):
    client, lent = pair
    lent.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sizes = []

    reader = threading.Thread(target=lambda: sizes.append(len(read(client, 300_000))))
    reader.start()

    assert lent.send(b"x" * 300_000) == 300_000

    reader.join(10)
    assert sizes == [300_000]


def read(client, size):
    data = b""
    while len(data) < size and (more := client.recv(65536)):
        data += more
    return data
