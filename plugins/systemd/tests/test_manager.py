"""Messages to a service manager, without a server."""

import os
import socket

import pytest
from hookserve_systemd.manager import ServiceManager, watchdog_interval


@pytest.fixture
def listening(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.setblocking(False)
        yield receiver, tmp_path / "notify"


@pytest.mark.parametrize("is_abstract", [False, True])
def test_lines_of_one_message_arrive_together(listening, is_abstract):
    receiver, path = listening
    name = f"@{os.getpid()}-{path.parent.name}" if is_abstract else str(path)
    receiver.bind(name.replace("@", "\0") if is_abstract else name)

    ServiceManager(name).notify("READY=1", "STATUS=ü")

    assert receiver.recv(1000).decode() == "READY=1\nSTATUS=ü"


def test_a_manager_that_is_not_there_is_logged_once(tmp_path, caplog):
    manager = ServiceManager(str(tmp_path / "nobody"))

    manager.notify("READY=1")
    manager.notify_once("STATUS=fine")

    assert [record.message for record in caplog.records] == [
        "cannot notify the service manager: no such file or directory"
        f" (NOTIFY_SOCKET is '{tmp_path}/nobody')"
    ]


def test_what_must_arrive_is_said_when_a_busy_manager_reads_again(listening):
    receiver, path = listening
    receiver.bind(str(path))
    manager = ServiceManager(str(path))
    count = 0
    while manager.notify_once("STATUS=busy"):
        count += 1

    manager.notify("READY=1")
    assert not manager.try_again()
    for _ in range(count):
        assert receiver.recv(1000) == b"STATUS=busy"

    assert manager.try_again()
    assert receiver.recv(1000) == b"READY=1"


def test_the_watchdog_is_fed_in_half_of_its_time_by_whom_it_watches():
    own = str(os.getpid())

    assert watchdog_interval({}) == 0.0
    assert watchdog_interval({"WATCHDOG_USEC": "3000000"}) == 1.5
    assert watchdog_interval({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": own}) == 1.5
    assert watchdog_interval({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}) == 0.0
    assert watchdog_interval({"WATCHDOG_USEC": "soon"}) == 0.0
