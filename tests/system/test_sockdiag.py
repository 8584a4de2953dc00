"""The kernel's answers about TCP sockets."""

import errno
import socket
import sys

import pytest

from hookserve.system import sockdiag

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag is Linux's")

LISTEN, ESTABLISHED = 10, 1


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def side(address):
    return address[1], socket.inet_aton(address[0])


def test_a_state_is_found_by_the_local_port(listening):
    port = listening.getsockname()[1]

    assert sockdiag.has_state(socket.AF_INET, port, LISTEN)
    assert not sockdiag.has_state(socket.AF_INET, port, ESTABLISHED)
    assert not sockdiag.has_state(socket.AF_INET, port, sockdiag.SYN_RECV)
    with socket.create_connection(listening.getsockname()):
        assert sockdiag.has_state(socket.AF_INET, port, ESTABLISHED)


def test_all_sockets_of_a_local_port_are_found_by_their_states(listening):
    port = listening.getsockname()[1]
    with (
        socket.create_connection(listening.getsockname()),
        socket.create_connection(listening.getsockname()),
    ):
        found = sockdiag.find_all(socket.AF_INET, port, 1 << LISTEN | 1 << ESTABLISHED)
        assert sorted(each[1] for each in found) == [ESTABLISHED, ESTABLISHED, LISTEN]
        assert len(list(sockdiag.find_all(socket.AF_INET, port, 1 << LISTEN))) == 1


def test_a_handshake_under_way_is_seen():
    """A client that is held back until it sends something has not finished its handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
        port = listening.getsockname()[1]
        with socket.create_connection(listening.getsockname()) as client:
            assert sockdiag.has_state(socket.AF_INET, port, sockdiag.SYN_RECV)

            client.sendall(b"x")
            listening.accept()[0].close()

        assert not sockdiag.has_state(socket.AF_INET, port, sockdiag.SYN_RECV)


def test_one_socket_is_found_by_both_its_ends(listening):
    with socket.create_connection(listening.getsockname()) as client:
        ends = side(client.getsockname()), side(client.getpeername())
        assert sockdiag.find(socket.AF_INET, *ends)[1] == ESTABLISHED
    listening.close()

    with pytest.raises(OSError, match="No such file") as caught:
        sockdiag.find(socket.AF_INET, (1, bytes(4)), (2, bytes(4)))
    assert caught.value.errno == errno.ENOENT


def test_a_unix_socket_that_does_not_exist_has_no_queue():
    with pytest.raises(FileNotFoundError):
        list(sockdiag.unix_queues(1))
