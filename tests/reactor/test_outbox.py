"""What is left unsent keeps its order and its bounds."""

import errno
import os
import socket
import tempfile
import threading

import pytest
from support.descriptors import open_descriptors

from hookserve.reactor.outbox import Outbox
from hookserve.reactor.transport import LoopTransport, SpoolingTransport


def drain(outbox, ours, theirs):
    """Flush until everything is gone; what the other side has received."""
    found = []

    def read_all():
        while data := theirs.recv(65536):
            found.append(data)

    reader = threading.Thread(target=read_all)
    reader.start()
    while not outbox.flush(ours.fileno()):
        pass
    ours.shutdown(socket.SHUT_WR)
    reader.join()
    return b"".join(found)


def test_memory_file_and_parts_of_files_are_sent_in_order(pair, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(300_000))
    outbox = Outbox(1000, tempfile.TemporaryFile)
    blocks = [os.urandom(size) for size in (400, 500, 200_000, 10, 300_000)]
    for block in blocks[:4]:
        outbox.spool(block)
    with path.open("rb") as file:
        outbox.add_file(file.fileno(), 1000, 250_000)
    outbox.spool(blocks[4])

    received = drain(outbox, *pair)

    assert received == b"".join(blocks[:4]) + path.read_bytes()[1000:251_000] + blocks[4]
    assert not outbox
    assert outbox.memory == 0


def test_what_exceeds_the_memory_is_in_the_file():
    made = []

    def make():
        made.append(tempfile.TemporaryFile())
        return made[-1]

    outbox = Outbox(1000, make)
    outbox.spool(b"x" * 900)
    assert made == []
    for _ in range(100):
        outbox.spool(b"y" * 900)

    assert outbox.memory == 900
    assert os.fstat(made[0].fileno()).st_size == 90_000
    outbox.close()
    assert made[0].closed


def test_a_file_that_became_shorter_ends_the_connection(pair, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    outbox = Outbox(1000, tempfile.TemporaryFile)
    with path.open("rb") as file:
        outbox.add_file(file.fileno(), 0, 2000)

    with pytest.raises(ConnectionError, match="shorter"):
        outbox.flush(pair[0].fileno())
    outbox.close()


def test_closing_closes_the_descriptors(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    outbox = Outbox(1000, tempfile.TemporaryFile)
    before = open_descriptors()
    with path.open("rb") as file:
        outbox.add_file(file.fileno(), 0, 1)
        outbox.add(b"behind it")

    outbox.close()

    assert open_descriptors() == before
    assert not outbox


def test_a_transport_of_a_loop_never_waits(pair, tmp_path):
    ours, theirs = pair
    path = tmp_path / "file"
    path.write_bytes(os.urandom(2_000_000))
    transport = LoopTransport(tempfile.TemporaryFile, 1000)
    transport.fd = ours.fileno()
    block = os.urandom(1_000_000)

    transport.send(b"head", block)
    with path.open("rb") as file:
        sent = transport.send_file(file.fileno(), 10, 5_000_000)
    transport.send(b"tail")

    assert sent == 1_999_990
    received = drain(transport.outbox, ours, theirs)
    assert received == b"head" + block + path.read_bytes()[10:] + b"tail"


@pytest.mark.parametrize("kind", [LoopTransport, SpoolingTransport])
@pytest.mark.parametrize("room", [None, 0, 300_000])
def test_a_response_that_cannot_be_spooled_waits_for_its_reader(pair, monkeypatch, kind, room):
    ours, theirs = pair

    def make_file():
        if room is None:
            raise OSError(errno.EMFILE, "no descriptor")
        return tempfile.TemporaryFile()

    def pwrite(fd, data, offset, pwrite=os.pwrite):
        if offset + len(data) > room:
            raise OSError(errno.ENOSPC, "no room")
        return pwrite(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    settings = (make_file,) if kind is LoopTransport else (5.0, 5.0, lambda: None, make_file)
    transport = kind(*settings, memory=200_000)
    transport.fd = ours.fileno()
    chunks = [bytes([number % 256]) * 65536 for number in range(200)]
    received = []

    def read():
        while data := theirs.recv(65536):
            received.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    for chunk in chunks:
        transport.send(chunk)
        assert transport.outbox is None or transport.outbox.memory <= 200_000 + 2 * 65536
    while transport.outbox is not None and not transport.outbox.flush(ours.fileno()):
        pass
    ours.close()
    reader.join()

    assert b"".join(received) == b"".join(chunks)
