"""Addresses that a plugin has for itself."""

import socket
from types import SimpleNamespace

import pytest

from hookserve import ListenError
from hookserve.listeners.address import TcpAddress, UnixAddress
from hookserve.listeners.listener import ListenerOptions, uninherited
from hookserve.listeners.opening import open_listener
from hookserve.listeners.plugin_listeners import PluginListeners, close_all, inherit, opened

ANY_PORT = TcpAddress("127.0.0.1", 0)


def server(predecessor=None):
    return SimpleNamespace(upgrade=SimpleNamespace(predecessor=predecessor))


@pytest.fixture
def make():
    """A function that makes those of one configuration."""
    made = []

    def make(*addresses, setting="metrics_bind"):
        made.append(PluginListeners(setting, addresses))
        return made[-1]

    yield make
    for each in made:
        each.retired()
    assert not uninherited


def test_an_address_that_the_next_configuration_keeps_has_the_same_socket(make):
    first, second = make(ANY_PORT), make(ANY_PORT)
    (listener,) = first.open(server())
    assert second.open(server()) == [listener]

    first.retired()
    assert listener.fileno() >= 0

    second.retired()
    assert listener.fileno() == -1


def test_the_addresses_of_a_configuration_that_is_refused_are_closed_again(make, tmp_path):
    first = make(ANY_PORT)
    first.when_ready(server())
    refused = make(ANY_PORT, UnixAddress(f"{tmp_path}/metrics"), UnixAddress("/no/such/folder/x"))
    with pytest.raises(ListenError):
        refused.on_reload(server())
    assert (tmp_path / "metrics").exists()

    refused.retired()

    assert not (tmp_path / "metrics").exists()
    assert len(uninherited) == len(first.open(server())) == 1


def test_a_path_is_the_owners_alone_where_the_address_does_not_say_otherwise(make, tmp_path):
    paths = tmp_path / "mine", tmp_path / "ours"
    make(UnixAddress(str(paths[0])), UnixAddress(str(paths[1]), mode=0o660)).open(server())

    assert [each.stat().st_mode & 0o777 for each in paths] == [0o600, 0o660]


def test_a_relative_path_stays_where_it_is(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = make(UnixAddress("metrics"))
    relative.open(server())
    monkeypatch.chdir("/")

    relative.retired()

    assert not (tmp_path / "metrics").exists()


def test_an_address_of_another_setting_is_in_use(make):
    (listener,) = make(ANY_PORT).open(server())
    taken = TcpAddress("127.0.0.1", int(listener.endpoint.port))

    with pytest.raises(
        ListenError, match=r"^health_bind: .* itself listens at .* with --health-bind, or"
    ):
        make(taken, setting="health_bind").open(server())


def test_the_predecessor_of_an_upgrade_keeps_the_address(make):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listeners = make(TcpAddress("127.0.0.1", taken.getsockname()[1]))
        assert listeners.open(server(predecessor=7)) == ()
    assert len(listeners.open(server())) == 1


def handed(address, name=None):
    """A socket that an arbiter hands over, of that address, which a setting may name otherwise."""
    return name or address, open_listener(address, ListenerOptions())


def test_a_configuration_goes_on_with_the_sockets_that_were_handed_over(make, tmp_path):
    path = UnixAddress(str(tmp_path / "metrics"))
    name = TcpAddress("shop.invalid", 9000)
    found = [handed(path), handed(ANY_PORT, name), handed(TcpAddress("::1", 0), name)]
    sockets = [listener for _, listener in found]
    first, second = make(path, name), make(name)

    inherit(found, [first, second, object()])

    assert opened() == found
    assert uninherited == set(sockets)
    assert first.open(server()) == sockets
    assert second.open(server()) == sockets[1:]
    first.retired()
    assert [listener.fileno() >= 0 for listener in sockets] == [False, True, True]


def test_sockets_that_were_handed_over_and_that_no_configuration_has_can_be_closed(make, tmp_path):
    path = UnixAddress(str(tmp_path / "metrics"))
    found = [handed(path), handed(ANY_PORT, TcpAddress("shop.invalid", 9000)), handed(ANY_PORT)]
    kept = make(ANY_PORT)

    others = inherit(found, [kept])

    assert others == [listener for _, listener in found[:2]]
    close_all(others)
    assert uninherited == {found[2][1]}
    assert [listener.fileno() >= 0 for _, listener in found] == [False, False, True]
    assert not (tmp_path / "metrics").exists()
    assert opened() == found[2:]


def test_an_address_that_moves_to_another_setting_keeps_the_socket(make, tmp_path):
    path = UnixAddress(str(tmp_path / "metrics"))
    address, listener = handed(path)
    moved = make(path, setting="health_bind")

    inherit([(address, listener)], [make(ANY_PORT), moved])

    assert moved.open(server()) == [listener]
