"""Messages for a daemon that is absent, slow or restarted: none is lost silently."""

import os
import socket
import time

import pytest
from hookserve_logging import delivery
from hookserve_logging.delivery import MOST_KEPT, RETRY_PAUSE, Delivery
from hookserve_logging.link import Target


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the test sets forth."""
    now = [100.0]
    monkeypatch.setattr(delivery, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "log")


def at_path(path, kind=socket.SOCK_DGRAM):
    return Target(socket.AF_UNIX, kind, path, b"\n" if kind == socket.SOCK_STREAM else b"")


def listen(target):
    daemon = socket.socket(target.family, target.kind)
    daemon.bind(target.address)
    daemon.settimeout(5)
    if target.kind == socket.SOCK_STREAM:
        daemon.listen()
    return daemon


@pytest.fixture
def make():
    """Makes a delivery, and the list of what it reports."""
    made = []

    def make(*targets):
        reports = []
        made.append(Delivery(targets, reports.append))
        return made[-1], reports

    yield make
    for each in made:
        each.close()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def test_a_message_arrives(make, path):
    with listen(at_path(path)) as daemon:
        messages, reports = make(at_path(path))

        assert messages.connect(1.0) == ""
        messages.send(b"one")

        assert daemon.recv(100) == b"one"
        assert reports == []


def test_messages_for_an_absent_daemon_are_sent_when_it_comes(make, path, clock):
    messages, reports = make(at_path(path))

    assert messages.connect(1.0) == "No such file or directory"
    messages.send(b"one")
    with listen(at_path(path)) as daemon:
        clock[0] += RETRY_PAUSE
        messages.send(b"two")

        assert [daemon.recv(100), daemon.recv(100)] == [b"one", b"two"]
    assert reports == ["is reached again; 0 messages are lost"]


def test_an_outage_is_reported_once_and_its_end_with_what_was_lost(make, path, clock):
    with listen(at_path(path)):
        messages, reports = make(at_path(path))
        messages.connect(1.0)
    os.unlink(path)

    for number in range(MOST_KEPT + 7):
        messages.send(b"%d" % number)
        clock[0] += RETRY_PAUSE
    assert reports == ["cannot be reached: No such file or directory; messages wait for it"]

    with listen(at_path(path)) as daemon:
        while "again" not in reports[-1]:
            messages.flush()
            daemon.recv(100)
    assert reports[1:] == ["is reached again; 7 messages are lost"]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_daemon_that_was_restarted_gets_what_comes_next(make, path, kind):
    target = at_path(path, kind)
    received = []

    def take(daemon):
        if kind == socket.SOCK_STREAM:
            daemon, _ = daemon.accept()
        received.append(daemon.recv(100).rstrip())
        daemon.close()

    with listen(target) as daemon:
        messages, reports = make(target)
        messages.connect(1.0)
        messages.send(b"one")
        take(daemon)
    os.unlink(path)
    with listen(target) as daemon:
        messages.send(b"two")
        take(daemon)

    assert received == [b"one", b"two"]
    assert reports == []


def test_a_refusal_over_udp_is_reported_and_retried(make, clock):
    target = Target(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", free_port()))
    messages, reports = make(target)
    for text in (b"one", b"two"):
        messages.send(text)
    assert reports == ["cannot be reached: Connection refused; messages wait for it"]

    with listen(target) as daemon:
        clock[0] += RETRY_PAUSE
        messages.send(b"three")

        assert [daemon.recv(100) for _ in range(3)] == [b"one", b"two", b"three"]
    assert reports[1:] == ["is reached again; 0 messages are lost"]


def test_of_two_addresses_the_one_that_takes_messages_is_used(make):
    port = free_port()
    others = Target(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.2", port))
    target = Target(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port))
    with listen(target) as daemon:
        messages, reports = make(others, target)
        for text in (b"one", b"two", b"three"):
            messages.send(text)

        assert [daemon.recv(100) for _ in range(3)] == [b"one", b"two", b"three"]
    assert reports == []


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_daemon_that_does_not_read_holds_no_caller_up(make, path, kind):
    target = at_path(path, kind)
    with listen(target) as daemon:
        messages, reports = make(target)
        messages.connect(1.0)
        began = time.monotonic()
        sent = 0
        while not reports:
            messages.send(b"x" * 8000)
            sent += 1

        assert time.monotonic() - began < 5.0
        assert sent > MOST_KEPT
        assert reports == ["cannot be reached: it is too slow, and messages are lost"]
        daemon.close()
        messages.close()
    assert "messages are lost" in reports[-1]


def test_a_message_in_a_stream_is_whole_however_it_is_taken(make, path):
    target = at_path(path, socket.SOCK_STREAM)
    sent = [bytes([97 + number % 26]) * 9000 for number in range(200)]
    with listen(target) as daemon:
        messages, _ = make(target)
        messages.connect(1.0)
        connection, _ = daemon.accept()
        connection.settimeout(5)
        received = b""
        for message in sent:
            messages.send(message)
        while received.count(b"\n") < len(sent):
            received += connection.recv(7777)
            messages.flush()
        connection.close()

    assert received.split(b"\n")[:-1] == sent


def test_a_message_that_is_too_long_for_a_datagram_is_cut(make, path):
    with listen(at_path(path)) as daemon:
        messages, _ = make(at_path(path))
        messages.connect(1.0)
        messages.send(b"x" * 1_000_000)

        assert 1024 <= len(daemon.recv(1 << 20)) <= 1 << 16


@pytest.mark.process
def test_a_child_has_a_connection_of_its_own(make, path):
    target = at_path(path, socket.SOCK_STREAM)
    with listen(target) as daemon:
        messages, _ = make(target)
        messages.connect(1.0)
        first, _ = daemon.accept()
        child = os.fork()
        if not child:
            messages.send(b"child")
            os._exit(0)
        os.waitpid(child, 0)
        second, _ = daemon.accept()
        messages.send(b"parent")

        assert second.recv(100) == b"child\n"
        assert first.recv(100) == b"parent\n"
        first.close()
        second.close()


@pytest.mark.process
def test_what_waits_at_the_fork_is_sent_by_the_parent_alone(make, path, clock):
    messages, _ = make(at_path(path))
    messages.send(b"one")
    clock[0] += RETRY_PAUSE
    with listen(at_path(path)) as daemon:
        child = os.fork()
        if not child:
            messages.flush()
            os._exit(0)
        os.waitpid(child, 0)
        messages.flush()
        daemon.setblocking(False)

        assert daemon.recv(100) == b"one"
        with pytest.raises(BlockingIOError):
            daemon.recv(100)


def test_what_is_lost_at_the_end_is_reported(make, path):
    messages, reports = make(at_path(path))
    messages.send(b"one")

    messages.close()

    assert reports[1:] == ["cannot be reached: 1 messages are lost"]
