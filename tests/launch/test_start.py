"""From a configuration to a running arbiter and to its end; the loop of the arbiter is a fake."""

import fcntl
import logging
import os
from contextlib import nullcontext

import pytest
from support.starting import ADDRESS, SERVES_ON, WHOLE, Brings, Life, Listener, assembly_of, run

from hookserve import hookimpl
from hookserve.arbiter.arbiter import Arbiter
from hookserve.arbiter.handover import Handover, Start
from hookserve.arbiter.upgrade import Upgrade
from hookserve.errors import BootError, ConfigError, HookError, ListenError, PluginError
from hookserve.launch import start
from hookserve.launch.start import open_listeners, serve


def test_a_server_starts_serves_and_ends_in_order(life, log):
    run(life)

    assert life.calls == WHOLE
    (listener,) = life.listeners
    assert listener.is_closed
    assert listener.is_removed
    assert log.messages[0].startswith("hookserve ")
    assert log.messages[0].endswith(f", pid {os.getpid()}")
    assert log.messages[1:] == [f"listening on {ADDRESS} (sync)", "stopped"]


def test_how_many_workers_auto_means_is_logged(life, log):
    run(life, workers="auto")

    assert any(each.startswith("workers auto: ") for each in log.messages)


def test_the_process_has_the_title_of_an_arbiter(life):
    run(life, proc_name="shop")

    assert life.titles == [("shop", "arbiter")]


def test_warnings_of_the_configuration_are_logged(life, log):
    made = assembly_of(life)._replace(warnings=("be careful",))

    serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert log.messages[0] == "be careful"


def test_plugins_that_the_configuration_brings_take_part_from_the_start(life):
    other = Life()
    made = assembly_of(life)
    made.host.register(Brings(other), "brings")

    serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert other.calls == ["on_starting", "open_listeners", "when_ready", "on_exit"]


class Retiring:
    """A configured object that records its end among the calls of others."""

    def __init__(self, calls):
        self.calls = calls

    @hookimpl
    def retired(self):
        self.calls.append("retired")


@pytest.mark.parametrize("failing", ["", "on_starting", "run", "open_listeners"])
def test_a_configured_plugin_is_told_last_of_all_that_the_server_has_ended(life, failing):
    if failing:
        life.errors[failing] = BootError("on purpose")
    made = assembly_of(life)
    made.host.register(Brings(Retiring(life.calls)), "brings")

    with pytest.raises(BootError) if failing else nullcontext():
        serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert life.calls.count("retired") == 1
    assert life.calls[-1] == "retired"


def test_what_the_configuration_has_brought_is_told_when_the_rest_of_it_is_wrong(life):
    made = assembly_of(life, pidfile="/nowhere/at/all")
    made.host.register(Brings(Retiring(life.calls)), "brings")

    with pytest.raises(ConfigError):
        serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert life.calls == ["install_logs", "retired"]


def test_a_stop_during_a_reload_retires_the_plugins_of_both_generations(life, monkeypatch):
    calls, made = [], assembly_of(life)
    other = assembly_of(Life())
    made.host.register(Brings(Retiring(calls)), "brings")
    other.host.register(Retiring(calls), "configured")

    def run_and_reload(arbiter):
        arbiter.previous = arbiter.current
        arbiter.current = arbiter.current._replace(assembly=other)

    monkeypatch.setattr(Arbiter, "run", run_and_reload)
    serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert calls == ["retired", "retired"]


def test_plugins_that_both_generations_have_are_retired_once(life, monkeypatch):
    calls, made = [], assembly_of(life)
    made.host.register(Retiring(calls), "configured")
    monkeypatch.setattr(Arbiter, "run", lambda each: setattr(each, "previous", each.current))

    serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert calls == ["retired"]


@pytest.mark.parametrize(("choice", "every"), [("fail", True), ("warn", False)])
def test_plugins_that_failed_to_load_are_dealt_with_first(life, choice, every):
    made = assembly_of(life, plugin_errors=choice)
    found = []

    def refuse(every):
        found.append(every)
        raise PluginError("plugin 'zoo' failed to load")

    made.host.refuse_failures = refuse

    with pytest.raises(PluginError, match="plugin 'zoo' failed to load"):
        serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert found == [every]
    assert life.calls == []


def test_plugins_that_were_left_out_because_they_failed_are_logged(life, log):
    made = assembly_of(life)
    made.host.log_failures = lambda: logging.getLogger("hookserve").warning("zoo is left out")

    serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert log.messages[0] == "zoo is left out"


def test_a_limit_on_descriptors_that_is_too_low_is_logged(life, log, monkeypatch):
    monkeypatch.setattr(start, "allow_descriptors", lambda count: f"{count} are too many")

    run(life, worker_connections=123)

    assert "123 are too many" in log.messages


def test_what_the_server_ends_with_is_raised_when_all_is_closed(life):
    life.errors["run"] = BootError("no worker can boot")

    with pytest.raises(BootError, match="no worker can boot"):
        run(life)

    assert life.calls == WHOLE
    assert life.listeners[0].is_closed


@pytest.mark.parametrize(
    ("hook", "calls"),
    [
        ("install_logs", WHOLE[:1]),
        ("on_starting", WHOLE[:2]),
        ("when_ready", [*WHOLE[:4], "on_exit"]),
    ],
)
def test_a_hook_that_raises_before_serving_ends_the_start(life, hook, calls):
    life.errors[hook] = ValueError("a slip")

    with pytest.raises(HookError, match=f"raised in {hook}: ValueError: a slip"):
        run(life)

    assert life.calls == calls
    assert life.listeners[0].is_closed is ("open_listeners" in calls)


@pytest.mark.parametrize("hook", ["on_starting", "when_ready"])
def test_a_hook_that_raises_after_a_re_exec_is_logged_and_the_workers_serve_on(
    life, log, restored, hook
):
    life.errors[hook] = ValueError("a slip")

    run(life, SERVES_ON)

    assert life.calls == WHOLE
    assert f"raised in {hook}: ValueError: a slip" in log.text


def test_after_a_re_exec_workers_are_restored_with_the_listeners_that_they_accept_from(
    life, restored, monkeypatch
):
    inherited = Listener("127.0.0.1:9000")
    monkeypatch.setattr(Handover, "inherit_listeners", lambda _: [inherited])

    run(life, SERVES_ON)

    assert restored == [(life.arbiter, SERVES_ON, (inherited,))]
    assert not inherited.is_closed  # the reload retires it


def test_what_is_wrong_with_the_configuration_is_said_before_anything_begins(life):
    with pytest.raises(PluginError, match="unknown worker 'no_such'"):
        run(life, worker_class="no_such", daemon=True)

    assert life.calls == []


def test_the_pidfile_is_there_while_the_server_is(life, tmp_path):
    path = tmp_path / "pid"
    found = []

    def record(name):
        if name == "run":
            found.append(path.read_text())
            (descriptor,) = life.arbiter.pidfile.descriptors()
            found.append(descriptor in life.arbiter.own_descriptors())

    life.record = record

    run(life, pidfile=str(path))

    assert found == [f"{os.getpid()}\n", True]  # no worker keeps its lock
    assert not path.exists()


def test_the_pidfile_of_before_a_re_exec_is_taken_over(life, tmp_path, restored):
    path = tmp_path / "pid"
    path.write_text(f"{os.getpid()}\n")
    made = os.open(path, os.O_RDWR)
    descriptor = fcntl.fcntl(made, fcntl.F_DUPFD, 900)  # no other file gets its number
    os.close(made)

    run(life, SERVES_ON._replace(pidfile=descriptor), pidfile=str(path))

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    assert not path.exists()


@pytest.mark.parametrize("error", [None, "run", "on_starting", "open_listeners"])
def test_no_end_leaves_the_pidfile_behind(life, tmp_path, error):
    path = tmp_path / "pid"
    life.errors[error] = ListenError("an error")

    try:
        run(life, pidfile=str(path))
    except ListenError:
        assert error is not None

    assert not path.exists()


def test_a_successor_follows_with_a_pidfile_of_its_own(life, tmp_path, monkeypatch):
    path = tmp_path / "pid"
    path.write_text("1\n")
    followed = []
    monkeypatch.setattr(Upgrade, "follow", lambda _, handover: followed.append(handover.pid))
    found = []
    life.record = lambda name: found.append(sorted(each.name for each in tmp_path.iterdir()))

    run(life, Handover(pid=1, channel=99), pidfile=str(path))

    assert followed == [1]
    assert ["pid", "pid.2"] in found
    assert [each.name for each in tmp_path.iterdir()] == ["pid"]


def test_a_successor_that_lives_keeps_pidfile_and_paths_of_its_predecessor(life, tmp_path):
    path = tmp_path / "pid"

    def record(name):
        if name == "run":
            life.arbiter.upgrade.successor = 4711

    life.record = record

    run(life, pidfile=str(path))

    assert path.exists()
    (listener,) = life.listeners
    assert listener.is_closed
    assert not listener.is_removed


def test_a_pidfile_that_cannot_be_written_ends_a_start(life):
    with pytest.raises(ConfigError, match="cannot write the pidfile /nosuch/pid"):
        run(life, pidfile="/nosuch/pid")


def test_a_pidfile_that_cannot_be_written_does_not_end_workers_that_serve_on(life, log, restored):

    run(life, SERVES_ON, pidfile="/nosuch/pid")

    assert life.calls == WHOLE
    assert "cannot write the pidfile /nosuch/pid" in log.text


def test_an_inherited_listener_that_is_not_wanted_is_closed(life):
    wanted, other = Listener(ADDRESS), Listener("127.0.0.1:9000")
    life.listeners = [wanted]

    found = open_listeners(assembly_of(life), Handover(), (wanted, other))

    assert found == (wanted,)
    assert other.is_closed
    assert not wanted.is_closed


def test_an_inherited_listener_that_workers_serve_from_stays_open(life):
    other = Listener("127.0.0.1:9000")

    found = open_listeners(assembly_of(life), SERVES_ON, (other,))

    assert found == tuple(life.listeners)
    assert not other.is_closed


def test_an_address_that_cannot_be_had_ends_a_start(life):
    life.errors["open_listeners"] = ListenError("the port is in use")

    with pytest.raises(ListenError, match="the port is in use"):
        open_listeners(assembly_of(life), Handover(), ())


def test_an_address_that_cannot_be_had_leaves_workers_that_serve_on_their_addresses(life, log):
    life.errors["open_listeners"] = ListenError("the port is in use")
    inherited = (Listener(ADDRESS),)

    assert open_listeners(assembly_of(life), SERVES_ON, inherited) is inherited

    assert log.messages == ["the port is in use; the old addresses stay"]
