"""What the kernel says of connections."""

import os
import socket
import sys

import pytest

from hookserve.system.tcpinfo import seconds_since_received
from hookserve.testing import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tcp(7)")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_bytes_that_wait_in_the_kernel_grow_old(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind((host, 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()[:2]) as client:
            accepted, _ = listening.accept()
            with accepted:
                client.sendall(b"GET /")
                wait_until(lambda: seconds_since_received(accepted.fileno()) > 0.05)
                client.sendall(b" HTTP/1.1")
                wait_until(lambda: seconds_since_received(accepted.fileno()) < 0.05)


def test_other_descriptors_tell_nothing():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"x")
        assert seconds_since_received(ours.fileno()) == 0.0
    reading, writing = os.pipe()
    assert seconds_since_received(reading) == 0.0
    os.close(reading)
    os.close(writing)
