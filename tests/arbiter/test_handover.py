"""What one arbiter hands to the next."""

import os
import sys
from types import SimpleNamespace

import pytest

from hookserve.arbiter.handover import (
    VARIABLE,
    HandedAuxiliary,
    HandedListener,
    HandedPluginListener,
    Handover,
    execute,
    explain_failure,
    handed_to_dry_run,
    take_handover,
)
from hookserve.errors import ConfigError
from hookserve.listeners.address import UnixAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listeners
from hookserve.listeners.plugin_listeners import PluginListeners


def value(**changes):
    return Handover()._replace(pid=1, **changes).encode()


def test_what_is_handed_over_is_read_back_and_not_inherited_further():
    read, write = os.pipe()
    metrics = os.dup(read)
    for each in (read, metrics):
        os.set_inheritable(each, True)
    made = Handover(7, write, 3, [HandedListener(read, "127.0.0.1:8000", 0)])
    made = made._replace(pidfile=write, wanted=4, reloads_requested=(7.5, 9.0))
    of_plugin = HandedPluginListener("shop:1", HandedListener(metrics, "[::1]:1", 0))
    made = made._replace(
        plugin_listeners=[of_plugin], auxiliaries=[HandedAuxiliary("metrics", 12, write)]
    )
    environ = {VARIABLE: made.encode()}

    assert take_handover(environ) == made._replace(scoreboards=[], workers=[])

    assert environ == {}
    for each in (read, metrics):
        assert not os.get_inheritable(each)
        os.close(each)
    os.close(write)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{}",
        "[1]",
        "3",
        pytest.param("[" * 100_000, id="nested"),
        value(channel=99_999),
        value(channel=2**70),
        value(listeners=[HandedListener(99_999, "127.0.0.1:1", 0)]),
        value(listeners=[HandedListener("3", "127.0.0.1:1", 0)]),
        value(plugin_listeners=[("127.0.0.1:1", (99_999, "127.0.0.1:1", 0))]),
        value(plugin_listeners=[("127.0.0.1:1", ())]),
        value().replace('"listeners": []', '"listeners": [{"fd": 3}]'),
        value().replace('"generation": 0', '"generation": null'),
    ],
)
def test_a_value_that_no_arbiter_has_written_is_one_line(text):
    with pytest.raises(ConfigError, match="HOOKSERVE_HANDOVER is malformed") as caught:
        take_handover({VARIABLE: text})

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["directory", "interpreter"])
def test_an_exec_that_fails_says_why_and_lets_nothing_be_inherited(tmp_path, monkeypatch, missing):
    monkeypatch.chdir(tmp_path)
    gone = str(tmp_path / "gone")
    directory = gone if missing == "directory" else str(tmp_path)
    monkeypatch.setattr(sys, "executable", gone)
    read, write = os.pipe()
    handover = Handover(1, write, 0, [HandedListener(read, "127.0.0.1:8000", 0)])

    with pytest.raises(OSError, match="No such file or directory") as caught:
        execute(handover, directory, {})

    assert not os.get_inheritable(read)
    assert not os.get_inheritable(write)
    what = "cannot change to the directory" if missing == "directory" else "cannot execute"
    message = f"{what} {gone}: No such file or directory"
    assert explain_failure(caught.value, directory) == message
    os.close(read)
    os.close(write)


def test_a_dry_run_gets_all_listeners_and_none_of_their_paths(tmp_path):
    (bound,) = open_listeners([UnixAddress(f"{tmp_path}/socket")], ListenerOptions())
    plugin = PluginListeners("metrics", [UnixAddress(f"{tmp_path}/metrics")])
    (metrics,) = plugin.open(SimpleNamespace(upgrade=SimpleNamespace(predecessor=None)))

    handover = handed_to_dry_run(7, [bound])

    address, of_plugin = f"unix:{tmp_path}/socket", f"unix:{tmp_path}/metrics"
    of_plugins = [HandedPluginListener(of_plugin, HandedListener(metrics.fileno(), of_plugin, 0))]
    assert handover == Handover(
        7,
        listeners=[HandedListener(bound.fileno(), address, 0)],
        plugin_listeners=of_plugins,
    )
    plugin.retired()
    bound.close()
