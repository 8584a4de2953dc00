"""The addresses of a configuration, tried in the dry run of a re-exec."""

import os
import socket

import pytest
from support.descriptors import open_descriptors
from support.fake_arbiter import Recorder, make_assembly
from support.sockets import free_address

from hookserve import hookimpl
from hookserve.arbiter.handover import HandedListener, HandedPluginListener, Handover
from hookserve.errors import ListenError
from hookserve.launch.start import try_addresses
from hookserve.listeners import opening
from hookserve.listeners.address import FdAddress, TcpAddress, parse_address
from hookserve.listeners.listener import ListenerOptions, uninherited
from hookserve.listeners.opening import open_listener, open_listeners
from hookserve.listeners.plugin_listeners import PluginListeners


class Arbiter:
    """The addresses that an arbiter holds, and what its dry run makes of a configuration."""

    def __init__(self):
        self.listeners = []
        self._handed, self._of_plugins = [], []

    def hold(self, text, name=None):
        (listener,) = open_listeners([parse_address(text)], ListenerOptions())
        self.listeners.append(listener)
        self._handed.append((listener, name or str(listener.address)))
        return listener

    def hold_for_plugin(self, text):
        listener = open_listener(parse_address(text), ListenerOptions())
        self.listeners.append(listener)
        self._of_plugins.append(listener)
        return listener

    def try_addresses(self, *bind, plugins=(), **settings):
        """As a process of its own, which has copies of the descriptors."""
        if bind:
            settings["bind"] = list(bind)
        before = open_descriptors()
        handover = Handover(
            pid=1,
            listeners=[_copy(each, name) for each, name in self._handed],
            plugin_listeners=[
                HandedPluginListener(str(each.address), _copy(each, str(each.address)))
                for each in self._of_plugins
            ],
        )
        try:
            try_addresses(make_assembly(Recorder(), plugins, **settings), handover)
        finally:
            assert open_descriptors() == before
            assert not uninherited


def _copy(listener, name):
    return HandedListener(os.dup(listener.fileno()), name, 0)


@pytest.fixture
def arbiter():
    made = Arbiter()
    yield made
    for each in made.listeners:
        each.close()
        each.remove()


def free(host="127.0.0.1"):
    return str(TcpAddress(host, free_address(host)[1]))


def plugin(setting, *texts):
    return PluginListeners(setting, [parse_address(each) for each in texts])


@pytest.mark.parametrize("reuse_port", [True, False])
def test_addresses_that_are_kept_are_not_tried(arbiter, tmp_path, reuse_port):
    bind = [free(), free("0.0.0.0"), free("::"), f"unix:{tmp_path}/s", f"unix:@{tmp_path}"]
    for each in bind:
        arbiter.hold(each)
    metrics = [free(), f"unix:{tmp_path}/metrics"]
    for each in metrics:
        arbiter.hold_for_plugin(each)
    inodes = [each.stat().st_ino for each in tmp_path.iterdir()]

    arbiter.try_addresses(*bind, plugins=[plugin("metrics", *metrics)], reuse_port=reuse_port)

    assert [each.stat().st_ino for each in tmp_path.iterdir()] == inodes
    for each in arbiter.listeners:
        assert each.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


@pytest.mark.parametrize("bind", [(), ("fd://3",)])
def test_sockets_of_a_service_manager_are_not_tried(arbiter, monkeypatch, bind):
    arbiter.hold(free(), name=str(FdAddress(3)))

    def refuse(address, *_):
        raise AssertionError(address)

    monkeypatch.setattr(opening, "_open", refuse)

    arbiter.try_addresses(*bind)


def test_an_address_of_bind_that_is_in_use_is_an_error(arbiter, taken):
    kept, added = free(), free()
    arbiter.hold(kept)

    with pytest.raises(ListenError, match=f"^cannot listen on {taken}: .* with --bind"):
        arbiter.try_addresses(kept, added, taken)


def test_an_address_of_a_plugin_that_is_in_use_is_an_error(arbiter, taken):
    bind, kept, dropped = free(), free(), free()
    arbiter.hold(bind)
    arbiter.hold_for_plugin(kept)
    arbiter.hold_for_plugin(dropped)

    with pytest.raises(ListenError, match=f"^metrics: cannot listen on {taken}: .* --metrics"):
        arbiter.try_addresses(bind, plugins=[plugin("health", kept), plugin("metrics", taken)])


def test_the_path_of_an_address_that_is_dropped_or_moves_stays(arbiter, tmp_path):
    paths = [tmp_path / "dropped", tmp_path / "moves"]
    for each in paths:
        arbiter.hold_for_plugin(f"unix:{each}")

    arbiter.try_addresses(free(), plugins=[plugin("metrics", f"unix:{paths[1]}", free())])

    assert all(each.is_socket() for each in paths)


def test_where_a_plugin_opens_the_listeners_bind_is_left_to_it(arbiter, taken):
    class Opens:
        @hookimpl
        def open_listeners(self):
            raise AssertionError

    arbiter.try_addresses(taken, plugins=[Opens()])
