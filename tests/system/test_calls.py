"""The system calls that no worker model patches."""

import os
import select
import signal
import socket
import subprocess
import sys

import pytest

from hookserve.system import calls


def cooperative(*_):
    """What a library puts in the place of something."""
    raise AssertionError("a patched function was called")


@pytest.fixture
def patched(monkeypatch):
    """The standard library as a worker model may leave it."""
    for name in ("close", "fork", "read", "write", "waitpid"):
        monkeypatch.setattr(os, name, cooperative)
    monkeypatch.setattr(select, "poll", cooperative)
    monkeypatch.setattr(signal, "signal", cooperative)
    monkeypatch.setattr(socket, "getaddrinfo", cooperative)
    monkeypatch.setattr(socket, "socket", cooperative)


def test_descriptors_work_as_before_after_a_patch(patched):
    reading, writing = os.pipe()
    poll = calls.make_poll()
    poll.register(reading, select.POLLIN)
    assert poll.poll(0) == []

    calls.write(writing, b"here")
    calls.close(writing)

    assert [descriptor for descriptor, _ in poll.poll(0)] == [reading]
    assert calls.read(reading, 10) == b"here"
    assert calls.read(reading, 10) == b""
    calls.close(reading)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reading)


def test_sockets_and_names_work_as_before_after_a_patch(patched):
    found = calls.getaddrinfo("127.0.0.1", 80, 0, socket.SOCK_STREAM)
    assert found[0][4] == ("127.0.0.1", 80)

    made = calls.Socket(socket.AF_INET, socket.SOCK_STREAM)

    assert made.fileno() >= 0
    made.close()


def test_a_signal_handler_is_set_after_a_patch(patched):
    before = signal.getsignal(signal.SIGUSR2)

    calls.set_signal(signal.SIGUSR2, signal.SIG_IGN)

    assert signal.getsignal(signal.SIGUSR2) == signal.SIG_IGN
    calls.set_signal(signal.SIGUSR2, before)


@pytest.mark.process
def test_a_child_is_reaped_once_it_has_ended_and_only_once(patched):
    reading, writing = os.pipe()
    pid = calls.fork()
    if pid == 0:
        calls.close(writing)
        calls.read(reading, 1)  # until the test closes its end
        os._exit(7)
    calls.close(reading)
    assert calls.reap(pid) is None

    calls.close(writing)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    assert os.waitstatus_to_exitcode(calls.reap(pid)) == 7
    assert calls.reap(pid) == 0


@pytest.mark.process
def test_a_process_of_the_server_does_not_import_the_socket_module():
    script = "import hookserve.system.calls, sys; print('socket' in sys.modules)"
    command = [sys.executable, "-I", "-c", script]

    assert subprocess.run(command, capture_output=True, text=True).stdout == "False\n"


def test_an_unnamed_file_is_there_without_memory_that_is_one_too(monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)

    descriptor = calls.unnamed_file("of the test")

    os.write(descriptor, b"text")
    assert os.pread(descriptor, 9, 0) == b"text"
    assert os.fstat(descriptor).st_nlink == 0
    os.close(descriptor)
