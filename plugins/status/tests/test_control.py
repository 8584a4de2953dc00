"""What the auxiliary process asks of the arbiter, at a reload that ends it."""

import os
import socket
import threading
from types import SimpleNamespace

import pytest
from hookserve_status.control import Client
from hookserve_status.plugin import StatusPlugin

from hookserve.testing import wait_until


class FakeServer:
    """An arbiter that watches descriptors."""

    upgrade = SimpleNamespace(predecessor=None)
    listeners = ()
    scoreboards = ()
    num_workers = 2
    is_stopping = False

    def __init__(self):
        self.watched = {}

    def watch(self, descriptor, callback):
        self.watched[descriptor] = callback

    def unwatch(self, descriptor):
        self.watched.pop(descriptor, None)

    def set_wanted(self, count):
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
