"""From a configuration to a running arbiter and to its end; the loop of the arbiter is a fake."""

import logging
import os
import sys

import pytest
from support.fake_arbiter import FakeListener, Recorder, make_assembly

from hookserve import hookimpl
from hookserve.arbiter.arbiter import Arbiter
from hookserve.arbiter.handover import HandedWorker, Handover, Start
from hookserve.arbiter.preparation import load_serving_classes
from hookserve.arbiter.upgrade import Upgrade
from hookserve.errors import (
    AppNotFound,
    BootError,
    ConfigError,
    HookError,
    ListenError,
    PluginError,
    UsageError,
)
from hookserve.launch import daemon, start
from hookserve.launch.embedded import Embedded
from hookserve.launch.start import open_listeners, patch_early, preload, serve, serve_embedded

ADDRESS = "127.0.0.1:8000"
SERVES_ON = Handover(pid=1, workers=[HandedWorker(4711, 0, 1, -1, -1, 0, 0, 1.0)])
"""After a re-exec: there are workers that serve on."""


class Listener(FakeListener):
    """Records that its path was removed."""

    is_removed = False

    def remove(self):
        self.is_removed = True


class Life:
    """Records the life of a server, and raises where a test says so."""

    def __init__(self):
        self.calls = []
        self.listeners = [Listener(ADDRESS)]
        self.errors = {}
        self.app = application
        self.arbiter = None
        self.titles = []

    def record(self, name):
        self.calls.append(name)
        if name in self.errors:
            raise self.errors[name]

    @hookimpl
    def install_logs(self):
        self.record("install_logs")

    @hookimpl
    def on_starting(self, server):
        self.arbiter = server
        self.record("on_starting")

    @hookimpl(tryfirst=True)
    def open_listeners(self, inherited):
        self.record("open_listeners")
        return self.listeners

    @hookimpl(tryfirst=True)
    def load_app(self):
        self.record("load_app")
        return self.app

    @hookimpl
    def when_ready(self):
        self.record("when_ready")

    @hookimpl
    def on_exit(self):
        self.record("on_exit")


class Brings:
    """A plugin that brings another one."""

    def __init__(self, plugin):
        self._plugin = plugin

    @hookimpl
    def configured_plugins(self):
        return [self._plugin]


def application(environ, start_response): ...


async def asgi(scope, receive, send): ...


@pytest.fixture
def life(monkeypatch):
    """The plugin of the test; the arbiter's loop calls its `record`."""
    made = Life()
    monkeypatch.setattr(Arbiter, "run", lambda arbiter: made.record("run"))
    monkeypatch.setattr(start, "allow_descriptors", lambda _: "")
    monkeypatch.setattr(start, "set_title", lambda *title: made.titles.append(title))
    return made


@pytest.fixture
def restored(monkeypatch):
    """What workers are restored with; nothing else is done with it."""
    found = []
    monkeypatch.setattr(
        "hookserve.arbiter.restore.restore_workers", lambda *arguments: found.append(arguments)
    )
    return found


@pytest.fixture
def log(caplog):
    """What the server's log has."""
    caplog.set_level(logging.INFO, "hookserve")
    return caplog


def assembly_of(life, **settings):
    return make_assembly(Recorder(), [life], logger_class=[], **settings)


def run(life, handover=None, **settings):
    made = assembly_of(life, **settings)
    serve(made, lambda: made, Start(os.getcwd(), {}), handover or Handover())


WHOLE = ["install_logs", "on_starting", "open_listeners", "when_ready", "run", "on_exit"]


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


# The pidfile.


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
    descriptor = os.open(path, os.O_RDWR)

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


# The background.


@pytest.fixture
def reports(monkeypatch):
    """What a daemon reports, and how it was made."""
    found = []

    class Report:
        def descriptors(self):
            return []

        def report(self, code, message):
            found.append((code, message))

    def daemonize(keep):
        found.append(keep)
        return Report()

    monkeypatch.setattr(daemon, "daemonize", daemonize)
    return found


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BootError("no worker can boot"), 3, "no worker can boot"),
        (AppNotFound("no application"), 4, "no application"),
        (ListenError("the port is in use"), 1, "the port is in use"),
        (MemoryError(), 1, "MemoryError at "),
        (ValueError("a fault\nof ours"), 1, "ValueError: a fault of ours at "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_daemon_that_cannot_start_reports_why(life, reports, error, code, message):
    life.errors["run"] = error

    with pytest.raises(type(error)):
        run(life, daemon=True)

    assert reports[0] is False
    assert reports[1][0] == code
    assert reports[1][1].startswith(message)


def test_a_daemon_is_made_before_anything_is_opened_and_warnings_are_seen(life, reports, capsys):
    made = assembly_of(life, daemon=True, enable_stdio_inheritance=True)
    made = made._replace(warnings=("be careful",))
    life.errors["install_logs"] = ConfigError("a mistake")

    with pytest.raises(ConfigError):
        serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert reports == [True, (1, "a mistake")]
    assert capsys.readouterr().err == "hookserve: warning: be careful\n"


def test_an_arbiter_that_comes_after_another_is_in_the_background_already(life, reports, restored):

    run(life, SERVES_ON, daemon=True)

    assert reports == []


# The listeners.


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


# The application.


@pytest.fixture
def patches(monkeypatch):
    """The names of the worker models that were to patch."""
    found = []
    monkeypatch.setattr(start.child, "patch", lambda worker_type: found.append(worker_type.name))
    return found


def test_a_preloaded_application_is_that_of_the_generation(life, patches, monkeypatch):
    monkeypatch.delenv("HOOKSERVE_TEST", raising=False)
    found = []

    def record(name):
        if name == "load_app":
            found.append((os.environ["HOOKSERVE_TEST"], list(patches)))
        if name == "run":
            found.append(life.arbiter.current.app)

    life.record = record

    run(life, preload_app=True, raw_env=["HOOKSERVE_TEST=1"])

    assert found == [("1", ["sync"]), application]


def test_without_preloading_the_arbiter_loads_nothing(life, patches):
    run(life)

    assert "load_app" not in life.calls
    assert patches == []


def test_an_application_of_another_interface_ends_the_start(life, patches):
    life.app = asgi

    with pytest.raises(AppNotFound, match="shop:app is not a WSGI application"):
        run(life, preload_app=True, wsgi_app="shop:app")

    assert "open_listeners" not in life.calls


def test_a_preloaded_application_that_fails_does_not_end_workers_that_serve_on(
    life, log, patches, restored
):
    life.errors["load_app"] = AppNotFound("there is no module shop")

    run(life, SERVES_ON, preload_app=True)

    assert life.arbiter.current.app is None
    assert "the application cannot be preloaded: there is no module shop" in log.messages


def test_what_is_preloaded_for_a_check_is_returned(life, patches):
    made = assembly_of(life)

    assert preload(made, load_serving_classes(made.host, made.config)) is application


@pytest.mark.parametrize(("settings", "patched"), [({}, []), ({"preload_app": True}, ["sync"])])
def test_a_model_patches_early_where_the_arbiter_will_preload(life, patches, settings, patched):
    made = assembly_of(life, **settings)

    patch_early(made.host, made.config)

    assert patches == patched


# A program that embeds the server.


def test_a_program_serves_and_its_server_can_be_assembled_again(life, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = []
    monkeypatch.setattr(start, "serve", lambda *arguments: found.append(arguments))

    assert serve_embedded(Embedded({"wsgi_app": "shop:app", "workers": 3}), {"A": "b"}) == 0

    ((assembly, reassemble, record, handover),) = found
    assert assembly.config.workers == 3
    assert (record.directory, record.environ) == (str(tmp_path), {"A": "b"})
    assert handover == Handover()
    os.chdir("/")
    assert reassemble().config.workers == 3
    assert os.getcwd() == str(tmp_path)


def test_a_program_without_an_application_is_refused(life):
    with pytest.raises(UsageError, match="no application"):
        serve_embedded(Embedded({}), {})
