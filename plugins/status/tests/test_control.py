"""What the auxiliary process asks of the arbiter, and for how long."""

import os
import signal
import socket
import threading
from types import SimpleNamespace

import pytest
from hookserve_status import control
from hookserve_status.control import Client, ControlError
from hookserve_status.plugin import StatusPlugin

from hookserve.testing import wait_until
from hookserve.testing.waiting import DEADLINE


class FakeServer:
    """An arbiter that watches descriptors."""

    upgrade = SimpleNamespace(predecessor=None)
    listeners = ()
    scoreboards = ()
    num_workers, most_workers = 2, 63
    is_stopping = False

    def __init__(self):
        self.watched = {}

    def watch(self, descriptor, callback):
        self.watched[descriptor] = callback

    def unwatch(self, descriptor):
        self.watched.pop(descriptor, None)

    def set_wanted(self, count, asked_by):
        self.num_workers = count

    def turn(self):
        for callback in list(self.watched.values()):
            callback()


def client_of(plugin):
    """As the forked process has it: its descriptor is another than the arbiter's."""
    return Client(socket.socket(fileno=os.dup(plugin._client_end.fileno())))


def ask_for(server, client, count):
    """What a command is answered, or the error."""
    found = []

    def ask():
        try:
            found.append(client.ask("scale", count)[0])
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: server.turn() or found)
    thread.join()
    return found[0]


@pytest.mark.parametrize("how", ["retired", "asked again"])
def test_a_process_that_is_told_to_end_is_answered_until_it_is_gone(how):
    server = FakeServer()
    plugin = StatusPlugin(None, SimpleNamespace(open=lambda server: ()))
    plugin.auxiliary_processes(server)
    client = client_of(plugin)
    assert ask_for(server, client, 3)["wanted"] == 3

    if how == "retired":
        plugin.retired()
    else:
        plugin.auxiliary_processes(server)

    assert ask_for(server, client, 4)["wanted"] == 4
    before = len(server.watched)
    client._socket.close()
    server.turn()
    assert len(server.watched) == before - 1
    plugin.retired()
    server.turn()
    assert server.watched == {}


@pytest.fixture
def asked():
    """An arbiter that does not turn by itself, and one who asks it."""
    server = FakeServer()
    plugin = StatusPlugin(None, SimpleNamespace(open=lambda server: ()))
    plugin.auxiliary_processes(server)
    client = client_of(plugin)
    yield server, client
    client._socket.close()
    plugin.retired()
    server.turn()


def test_what_has_not_been_answered_in_time_is_not_done_later(asked, monkeypatch):
    monkeypatch.setattr(control, "TIMEOUT", 0.05)
    server, client = asked

    for count in (5, 6):
        with pytest.raises(ControlError, match=r"not answered within 0.05 s: nothing is done$"):
            client.ask("scale", count)
    server.turn()

    assert server.num_workers == 2
    assert ask_for(server, client, 4) == {"wanted": 4, "before": 2}


def test_what_the_client_does_not_wait_for_is_not_done(asked):
    server, client = asked
    here, there = socket.socketpair()
    threading.Timer(0.05, there.close).start()

    with here:
        with pytest.raises(ControlError):
            client.ask("scale", 5, waits=here)
        server.turn()
        with pytest.raises(ControlError):
            client.ask("scale", 6, waits=here)
        server.turn()

    assert server.num_workers == 2


@pytest.mark.process
def test_what_a_process_has_asked_for_that_is_gone_is_not_done(asked):
    server, client = asked
    pid = os.fork()
    if not pid:
        client.ask("scale", 5)
        os._exit(0)
    (end,) = server.watched
    with socket.socket(fileno=os.dup(end)) as request:
        request.settimeout(DEADLINE)
        request.recv(1, socket.MSG_PEEK)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    server.turn()

    assert server.num_workers == 2


def test_what_has_begun_is_not_said_to_be_undone(asked, monkeypatch):
    monkeypatch.setattr(control, "TIMEOUT", 0.5)
    monkeypatch.setattr(control, "_LAST_TIME", 0.05)
    server, client = asked
    go_on = threading.Event()
    server.set_wanted = lambda *given: go_on.wait(DEADLINE)
    found = []

    def ask():
        with pytest.raises(ControlError) as caught:
            client.ask("scale", 5)
        found.append(str(caught.value))
        go_on.set()

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: server.turn() or go_on.is_set())
    thread.join()

    assert found[0].startswith("the arbiter has begun, and has not answered within 0.55 s")


def test_an_arbiter_that_is_gone_is_not_waited_for(asked):
    server, client = asked
    (end,) = server.watched
    with socket.socket(fileno=os.dup(end)) as arbiter:
        arbiter.shutdown(socket.SHUT_RDWR)

    with pytest.raises(ControlError, match="the arbiter is gone"):
        client.ask("scale", 5)
