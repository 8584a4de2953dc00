"""Sending and receiving on a descriptor that would block."""

import os
import threading
import time

import pytest

from hookserve.reactor.transport import SocketTransport


def make(ours, timeout=5.0):
    moves = []
    transport = SocketTransport(timeout, timeout, lambda: moves.append(1))
    transport.fd = ours.fileno()
    return transport, moves


def read_all(theirs, found):
    while data := theirs.recv(65536):
        found.append(data)


@pytest.mark.parametrize(
    "buffers",
    [
        (b"small",),
        (b"head", b"body"),
        (b"", b"x", b""),
        (b"x" * 5_000_000,),
        (b"head", b"y" * 5_000_000, b"tail"),
        tuple(b"%d" % n * 100 for n in range(3000)),
    ],
)
def test_everything_is_sent_in_order(pair, buffers):
    ours, theirs = pair
    transport, _ = make(ours)
    found = []
    reader = threading.Thread(target=read_all, args=[theirs, found])
    reader.start()

    transport.send(*buffers)
    ours.close()
    reader.join()

    assert b"".join(found) == b"".join(buffers)


def test_a_file_is_sent_from_its_offset_and_short_at_its_end(pair, tmp_path):
    ours, theirs = pair
    transport, _ = make(ours)
    path = tmp_path / "file"
    path.write_bytes(os.urandom(2_000_000))
    found = []
    reader = threading.Thread(target=read_all, args=[theirs, found])
    reader.start()

    with path.open("rb") as file:
        sent = transport.send_file(file.fileno(), 1000, 5_000_000)
    ours.close()
    reader.join()

    assert sent == 1_999_000
    assert b"".join(found) == path.read_bytes()[1000:]


def test_a_client_that_does_not_read_is_a_timeout(pair):
    transport, moves = make(pair[0], timeout=0.05)

    with pytest.raises(TimeoutError, match="did not read the response"):
        transport.send(b"x" * 50_000_000)

    assert moves


def test_a_client_that_does_not_send_is_a_timeout(pair):
    transport, _ = make(pair[0], timeout=0.05)

    with pytest.raises(TimeoutError, match="did not send its request body"):
        transport.receive(10)


def test_what_arrives_is_received_and_the_end_is_empty(pair):
    ours, theirs = pair
    transport, _ = make(ours)
    timer = threading.Timer(0.05, lambda: theirs.sendall(b"late"))
    timer.start()

    assert transport.receive(10) == b"late"
    timer.join()
    theirs.close()
    assert transport.receive(10) == b""


def test_a_client_that_is_gone_is_an_oserror(pair):
    ours, theirs = pair
    transport, _ = make(ours)
    theirs.close()

    with pytest.raises(OSError, match="pipe"):
        transport.send(b"x")


def drip(theirs, stop, pause=0.02):
    while not stop.wait(pause):
        theirs.sendall(b"x")


def receive_all(transport):
    while transport.receive(10):
        pass


def make_receiver(ours, **settings):
    """A transport that waits 0.2 s for the next byte of a body."""
    transport = SocketTransport(0.2, 5.0, lambda: None, **settings)
    transport.fd = ours.fileno()
    transport.begin_body()
    return transport


def test_a_body_that_drips_is_a_timeout(pair):
    ours, theirs = pair
    transport = make_receiver(ours, body_rate=500)
    stop = threading.Event()
    client = threading.Thread(target=drip, args=(theirs, stop))
    client.start()
    began = time.monotonic()

    with pytest.raises(TimeoutError, match="did not send its request body"):
        receive_all(transport)

    assert 0.15 < time.monotonic() - began < 2.0
    stop.set()
    client.join()


def test_a_body_may_be_slow_at_its_least_rate(pair):
    ours, theirs = pair
    transport = make_receiver(ours, body_rate=10)
    stop = threading.Event()
    client = threading.Thread(target=drip, args=(theirs, stop))
    client.start()
    began = time.monotonic()

    while time.monotonic() < began + 0.3:
        assert transport.receive(10)

    stop.set()
    client.join()
