"""Addresses, and daemons that are there or not."""

import logging
import socket

import pytest
from hookserve_statsd.sender import Sender, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:9125", ("localhost", 9125)),
        ("statsd", ("statsd", 8125)),
        ("[::1]:9125", ("::1", 9125)),
        ("[::1]", ("::1", 8125)),
        ("unix:///run/statsd.sock", "/run/statsd.sock"),
        ("unix:statsd.sock", "statsd.sock"),
        ("unix:8125", ("unix", 8125)),
    ],
)
def test_an_address_is_read_as_gunicorn_reads_it(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["a:b", "http://a", "a:0", "a:70000", "unix://", "[::1", ""])
def test_what_is_not_an_address_is_refused(text):
    with pytest.raises(ValueError, match="expected host:port or unix://PATH"):
        parse(text)


def test_a_missing_daemon_is_said_once_and_its_return_too(tmp_path, caplog):
    path = tmp_path / "statsd"
    sender = Sender(f"unix://{path}")
    with caplog.at_level(logging.INFO, "hookserve"):
        sender.send([b"a", b"b"])
        sender.send([b"c"])
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
            daemon.bind(str(path))
            sender.send([b"d"])
            assert daemon.recv(10) == b"d"
    sender.close()

    missing, back = caplog.messages
    assert missing == (
        f"no metrics can be sent to unix://{path}: no such file or directory"
        " (they are dropped until it listens)"
    )
    assert back == f"metrics are sent to unix://{path} again"


def test_a_missing_daemon_of_udp_is_one_line_until_it_listens(caplog):
    """The error of a datagram is that of the one before: every other one seems to be sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        free_port = found.getsockname()[1]
    sender = Sender(f"127.0.0.1:{free_port}")
    with caplog.at_level(logging.INFO, "hookserve"):
        for _ in range(8):
            sender.send([b"a"])
        assert [message.partition(":")[0] for message in caplog.messages] == [
            "no metrics can be sent to 127.0.0.1"
        ]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.bind(("127.0.0.1", free_port))
            for _ in range(3):
                sender.send([b"b"])
    sender.close()

    assert caplog.messages[1:] == [f"metrics are sent to 127.0.0.1:{free_port} again"]


def test_a_daemon_that_does_not_read_holds_nothing_up(tmp_path, caplog):
    path = tmp_path / "statsd"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        sender = Sender(f"unix://{path}")
        sender.send([b"x" * 1000] * 2000)
        sender.close()

    assert caplog.messages == []


def test_a_name_that_cannot_be_resolved_is_one_line(monkeypatch, caplog):
    def fail(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    sender = Sender("statsd.invalid:8125")
    sender.send([b"a"])

    assert caplog.messages == [
        "statsd_host: cannot resolve statsd.invalid: name or service not known"
        " (no metrics are sent until a reload)"
    ]
