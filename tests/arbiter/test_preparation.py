"""What is made before workers can be forked: classes, loggers, plugins, the application."""

import sys
from abc import abstractmethod
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
from support.fake_arbiter import Recorder, make_assembly
from support.workers import IdleWorker

from hookserve import LoggerType, ProtocolType, WorkerType, hookimpl
from hookserve.arbiter.preparation import (
    load_application,
    load_serving_classes,
    register_configured,
    register_loggers,
)
from hookserve.errors import AppNotFound, ConfigError, HookError, PluginError


class Abstract(IdleWorker):
    @abstractmethod
    def serve_somehow(self): ...


class Brings:
    """A plugin that brings a worker model, a protocol and a logger of one target each."""

    def __init__(self, target):
        self._target = target

    @hookimpl
    def worker_types(self):
        return [WorkerType("idle", self._target, "of the test")]

    @hookimpl
    def protocol_types(self):
        return [ProtocolType("silent", self._target, "of the test")]

    @hookimpl
    def logger_types(self):
        return [LoggerType("diary", self._target, "of the test")]


@pytest.fixture
def module(monkeypatch):
    """A module that targets name."""
    made = ModuleType("brought")
    made.__spec__ = ModuleSpec("brought", None)
    made.Idle, made.Abstract, made.number = IdleWorker, Abstract, 5
    monkeypatch.setitem(sys.modules, "brought", made)
    return made


def load(target, **settings):
    made = make_assembly(Recorder(), [Brings(target)], **settings)
    return load_serving_classes(made.host, made.config)


def refused(target, error=PluginError, **settings):
    """The one line that says why something of that target cannot be loaded."""
    with pytest.raises(error) as caught:
        load(target, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_chosen_classes_are_imported(module):
    found = load("brought:Idle", worker_class="idle")

    assert found.worker_type.name == "idle"
    assert found.worker_class is IdleWorker
    assert found.protocol_class.__name__ == "HttpProtocol"


def test_what_is_not_chosen_is_not_imported():
    assert load("no_such_module:Worker").worker_type.name == "sync"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "brought:number",
            "worker 'idle': brought:number is not a subclass of hookserve.worker.base.Worker",
        ),
        (
            "brought:Other",
            "worker 'idle': the module brought has no attribute 'Other'",
        ),
        (
            "brought:Abstract",
            "worker 'idle': brought:Abstract is abstract (it does not define serve_somehow)",
        ),
    ],
)
def test_a_target_that_is_not_a_worker_model_is_named_with_what_it_lacks(module, target, message):
    assert refused(target, worker_class="idle") == message


def test_a_protocol_is_a_protocol_and_not_a_worker_model(module):
    message = refused("brought:Idle", protocol="silent")

    assert message == (
        "protocol 'silent': brought:Idle is not a subclass of hookserve.protocol.seam.Protocol"
    )


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("import no_such_library.part", "(install what provides no_such_library)"),
        ("1 / 0", "(mend or upgrade it)"),
        ("raise SystemExit('enough')", "(mend or upgrade it)"),
        ("def worker(:", "(mend or upgrade it)"),
    ],
)
def test_an_import_that_fails_is_one_line_with_a_remedy(tmp_path, monkeypatch, source, remedy):
    (tmp_path / "failing_model.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))

    message = refused("failing_model:Worker", worker_class="idle")

    assert message.startswith("worker 'idle' cannot be imported: ")
    assert message.endswith(remedy)


@pytest.mark.parametrize("path", ["no_such_models:Worker", "hookserve.no_such_models.Worker"])
def test_a_path_that_is_misspelt_is_not_taken_for_a_package_to_install(path):
    message = refused("brought:Idle", worker_class=path)

    assert message.startswith(f"worker '{path}' cannot be imported: ModuleNotFoundError")
    assert message.endswith("(is it spelt right, and on the path?)")


def test_a_model_that_was_named_is_not_exchanged_for_one_that_runs_the_interface():
    assert refused("no_such:Worker", ConfigError, worker_class="sync", interface="asgi") == (
        "the worker sync does not run asgi applications (leave -k out, or use -k asyncio)"
    )


def test_an_interface_that_no_model_runs_is_said():
    assert refused("no_such:Worker", ConfigError, interface="rsgi").startswith(
        "no worker model runs applications of the interface 'rsgi' (--interface takes auto, asgi, "
    )


@pytest.mark.parametrize("name", ["user", "group"])
def test_an_unknown_user_or_group_is_found_before_anything_is_made(name):
    message = refused("no_such:Worker", ConfigError, **{name: "no such one"})

    assert message.startswith(f"there is no {name} 'no such one' on this machine")


class Diary:
    """A logger that records nothing."""

    @hookimpl
    def log_access(self, record):
        pass


def registered(factory, module, names=("diary",)):
    module.make = factory
    made = make_assembly(Recorder(), [Brings("brought:make")], logger_class=list(names))
    register_loggers(made.host, made.config)
    return made


def test_a_logger_is_made_with_the_configuration_and_registered_as_a_plugin(module):
    given = []
    diary = Diary()

    made = registered(lambda config: given.append(config) or diary, module)

    assert given == [made.config]
    assert made.host.manager.get_plugin("logger diary") is diary


def test_a_factory_gets_the_plugin_host_if_it_takes_one(module):
    given = []

    def make(config, host):
        given.append(host)
        return Diary()

    made = registered(make, module)

    assert given == [made.host]


def fails_with(error):
    def fail(*_):
        raise error

    return fail


def test_a_logger_that_cannot_start_is_named_with_the_reason(module):
    with pytest.raises(PluginError, match="logger 'diary' cannot start: OSError: disk full") as e:
        registered(fails_with(OSError("disk\n full")), module)

    assert "\n" not in str(e.value)


def test_what_a_logger_says_about_its_settings_is_the_message(module):
    with pytest.raises(ConfigError, match=r"^the format is malformed$"):
        registered(fails_with(ConfigError("the format is malformed")), module)


def test_without_loggers_none_is_made(module):
    made = registered(fails_with(AssertionError()), module, names=())

    assert made.host.manager.get_plugin("logger diary") is None


class Configures:
    """Brings plugins for a configuration."""

    def __init__(self, bring):
        self._bring = bring

    @hookimpl
    def configured_plugins(self, config):
        return self._bring(config)


def test_plugins_of_plugins_are_registered_under_the_name_of_their_owner():
    one, two = Recorder(), Recorder()
    bring = Configures(lambda config: [one, two] if config.proc_name == "shop" else [])
    made = make_assembly(Recorder(), [bring], proc_name="shop")
    before = set(made.host.manager.get_plugins())

    register_configured(made.host, made.config)

    added = {
        made.host.manager.get_name(each): each
        for each in set(made.host.manager.get_plugins()) - before
    }
    # Others, of plugins that are bundled, may be before them.
    assert [name for name in added if name.startswith("plugin 0 (configured, ")]
    assert {one, two} <= set(added.values())


def test_a_plugin_that_fails_to_bring_others_is_named():
    made = make_assembly(Recorder(), [Configures(fails_with(ValueError("a slip")))])

    with pytest.raises(HookError, match="'plugin 0' raised in configured_plugins: ValueError"):
        register_configured(made.host, made.config)


@pytest.mark.parametrize("found", [[5], ["x"], (5,)], ids=str)
def test_a_plugin_that_brings_something_else_is_named(found):
    made = make_assembly(Recorder(), [Configures(lambda config: found)])

    with pytest.raises(HookError, match="'plugin 0' returned a wrong value in configured_plugins"):
        register_configured(made.host, made.config)


def test_the_application_is_what_the_first_plugin_loads():
    class Loads:
        @hookimpl
        def load_app(self):
            return print

    made = make_assembly(Recorder(), [Loads()], wsgi_app="no_such_module")

    assert load_application(made.host, made.config) is print


def test_an_application_that_is_not_there_is_an_error_of_its_own():
    made = make_assembly(Recorder(), wsgi_app="no_such_module")

    with pytest.raises(AppNotFound, match="there is no module no_such_module"):
        load_application(made.host, made.config)


def test_without_a_plugin_that_loads_there_is_no_application():
    made = make_assembly(Recorder())
    for plugin in list(made.host.manager.get_plugins()):
        made.host.manager.unregister(plugin)

    with pytest.raises(ConfigError, match="no plugin implements load_app"):
        load_application(made.host, made.config)
