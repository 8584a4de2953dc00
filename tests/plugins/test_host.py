"""Plugins are loaded one by one, and a failure belongs to one of them."""

import sys
import types

import pytest
from support.installed import install

from hookserve import hookimpl
from hookserve.errors import PluginError
from hookserve.launch.assembly import declare_settings
from hookserve.plugins.host import Implementation, PluginHost, PluginSelection

OBSERVER = "from hookserve import hookimpl\n@hookimpl\ndef when_ready(server): ...\n"


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder at the end of the path, for distributions; its modules are forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.endswith("_under_test")]:
        del sys.modules[name]


def load(*names, autoload=True):
    host = PluginHost()
    host.load(PluginSelection.parse([(name, "") for name in names], autoload))
    return host


def test_a_selection_is_parsed_and_the_last_one_wins():
    words = [("a", "file"), ("no:b", "file"), ("no:a", "VARIABLE"), ("b", "VARIABLE"), ("c", "")]

    assert PluginSelection.parse(words) == PluginSelection(
        {"b": "VARIABLE", "c": ""}, {"a": "VARIABLE"}
    )


def test_an_installed_plugin_is_loaded_and_its_hooks_are_listed(folder):
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {"zebra_under_test.py": OBSERVER})

    record = load().record_of("zebra")

    assert (record.state, record.hooks) == ("active", ["when_ready"])


@pytest.mark.parametrize(
    ("names", "autoload", "state"),
    [
        ([], True, "active"),
        (["no:zebra"], True, "blocked"),
        ([], False, "not loaded"),
        (["zebra"], False, "active"),
    ],
)
def test_what_is_loaded_is_chosen(folder, names, autoload, state):
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {"zebra_under_test.py": OBSERVER})

    host = load(*names, autoload=autoload)

    assert host.record_of("zebra").state == state
    assert host.record_of("http").state == "active"
    assert ("zebra_under_test" in sys.modules) == (state == "active")


@pytest.mark.parametrize("names", [["nosuch"], ["no:nosuch"], ["nosuch.module"]])
def test_a_name_that_matches_nothing_is_refused(names):
    with pytest.raises(PluginError, match=r"plugin 'nosuch.* is not installed"):
        load(*names)


def test_a_module_may_be_named_instead_of_a_plugin(folder):
    (folder / "named_under_test.py").write_text(OBSERVER)

    assert load("named_under_test").record_of("named_under_test").state == "active"


FAULTS = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "needs": ("import nosuchlibrary", "No module named 'nosuchlibrary'"),
    "newer": ("hookserve_api = 99", "it was written for level 99 of the hooks, this is 1"),
    "wrong": (OBSERVER.replace("when_ready", "when_redy"), "when_redy"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_plugin_that_cannot_be_loaded_is_recorded(folder, fault):
    source, cause = FAULTS[fault]
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {"zebra_under_test.py": source})

    host = load()
    (record,) = host.failures()

    assert (record.name, record.state) == ("zebra", "failed")
    assert cause in record.cause
    assert "-P no:zebra" in record.remedy
    assert record.failure.startswith("plugin 'zebra' (zoo 1.0, entry point zebra = ")


@pytest.mark.parametrize("fault", ["raises", "exits", "needs"])
@pytest.mark.parametrize("asked", ["zebra", "zoo"])
def test_the_remedy_for_a_plugin_that_was_asked_for_is_not_to_ask(folder, fault, asked):
    source, _ = FAULTS[fault]
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {"zebra_under_test.py": source})

    (record,) = load(asked).failures()

    assert record.remedy.endswith(f", or take -P {asked} away")
    assert "no:" not in record.failure


@pytest.mark.parametrize(
    ("fault", "names", "every", "stops"),
    [
        ("raises", [], False, False),
        ("raises", [], True, True),
        ("raises", ["zebra"], False, True),
        ("newer", [], False, True),
        ("wrong", [], False, True),
    ],
)
def test_a_failure_stops_the_start_when_it_must(folder, fault, names, every, stops):
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {"zebra_under_test.py": FAULTS[fault][0]})
    host = load(*names)

    if stops:
        with pytest.raises(PluginError, match="plugin 'zebra'") as caught:
            host.refuse_failures(every)
        assert caught.value.plugin == "zebra"
    else:
        host.refuse_failures(every)


def test_a_missing_module_is_an_incomplete_installation(folder):
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {})

    (record,) = load().failures()

    assert "its module zebra_under_test is not there" in record.cause
    assert "pip install --force-reinstall zoo" in record.remedy


def test_an_object_is_registered_under_a_name():
    host = PluginHost()
    plugin = types.SimpleNamespace(when_ready=hookimpl(lambda server: None))

    host.register(plugin, "mine")

    assert host.record_of("mine").hooks == ["when_ready"]
    assert host.explain("when_ready") == {"when_ready": [Implementation("mine", "")]}
    assert host.explain("on_exit") == {"on_exit": []}
    with pytest.raises(PluginError, match=r"'on_exot' is not a hook \(did you mean 'on_exit'"):
        host.explain("on_exot")


def test_the_hooks_of_a_plugin_are_those_that_pluggy_finds():
    host = load()

    for record in host.records:
        callers = host.manager.get_hookcallers(host.manager.get_plugin(record.name)) or []
        assert record.hooks == sorted(each.name for each in callers)


def test_a_hook_that_a_module_implements_twice_is_listed_once():
    module = types.ModuleType("twice_under_test")
    module.on_exit = hookimpl(lambda: None)
    module.at_the_end = hookimpl(specname="on_exit")(lambda: None)

    host = PluginHost()
    host.register(module, "twice")

    assert host.record_of("twice").hooks == ["on_exit"]


def test_a_module_may_have_the_methods_of_an_object_as_its_hooks():
    class Plugin:
        @hookimpl
        def on_exit(self, server): ...

    module = types.ModuleType("methods_under_test")
    module.on_exit = Plugin().on_exit

    host = PluginHost()
    host.register(module, "methods")

    assert host.record_of("methods").hooks == ["on_exit"]


def test_what_a_module_holds_is_not_asked_for_attributes():
    class Proxy:
        def __getattr__(self, name):
            raise RuntimeError("there is no request")

    module = types.ModuleType("proxy_under_test")
    module.request = Proxy()

    host = PluginHost()
    host.register(module, "proxy")

    assert host.record_of("proxy").hooks == []


def test_what_a_start_does_not_say_of_a_plugin_is_not_read(folder):
    install(folder, "zoo", {"zebra": "zebra_under_test"}, {"zebra_under_test.py": OBSERVER})
    (metadata,) = folder.glob("zoo*/METADATA")

    host = load()
    declare_settings(host)
    metadata.write_text("Name: moon\nVersion: 7\n")

    assert "(moon 7, " in host.record_of("zebra").title


SETTINGS = """
from hookserve import Command, hookimpl
@hookimpl
def commands(): return [Command("gallop", "x:y", "z")]
@hookimpl
def when_ready(server): ...
"""


@pytest.fixture
def zebra(folder):
    """A plugin that is loaded on demand is installed."""
    module = "zebra_under_test"
    names = {"settings": {"stripes": module}, "commands": {"gallop": module}}
    install(folder, "zoo", {"zebra": module}, {f"{module}.py": SETTINGS}, **names)
    return module


def load_on_demand(*names):
    host = PluginHost()
    host.load(PluginSelection.parse([(name, "") for name in names]), on_demand=True)
    return host


def test_a_plugin_that_names_its_settings_is_loaded_on_demand(zebra):
    host = load_on_demand()
    record = host.record_of("zebra")

    assert (record.state, zebra in sys.modules) == ("off", False)
    assert record in host.off()
    host.load_off(record)
    assert (record.state, record.hooks) == ("active", ["commands", "when_ready"])
    assert record not in host.off()
    assert load().record_of("zebra").state == "active"
    assert load_on_demand("zebra").record_of("zebra").state == "active"
    assert load_on_demand("no:zebra").record_of("zebra").state == "blocked"


def test_a_command_is_that_of_a_plugin_that_is_off(zebra):
    host = load_on_demand()
    assert "gallop" in host.command_names()

    host.load_command("trot")
    assert host.record_of("zebra").state == "off"
    host.load_command("gallop")

    assert host.record_of("zebra").state == "active"
    assert "gallop" not in host.command_names()


def test_a_command_of_a_plugin_that_cannot_be_loaded_is_refused(folder, zebra):
    (folder / f"{zebra}.py").write_text("1 / 0")

    with pytest.raises(PluginError, match=r"the command 'gallop': plugin 'zebra' .*ZeroDivision"):
        load_on_demand().load_command("gallop")


@pytest.mark.parametrize("order", [("zebra", "ape"), ("ape", "zebra")])
def test_calls_have_one_order_whenever_a_plugin_is_loaded(folder, order):
    for name in ("ape", "zebra"):
        module = f"{name}_under_test"
        install(folder, name, {name: module}, {f"{module}.py": OBSERVER}, settings={name: module})
    late = types.SimpleNamespace(when_ready=hookimpl(lambda server: None))
    host = load_on_demand()
    host.register(late, "late")

    for name in order:
        host.load_off(host.record_of(name))

    found = [each.plugin for each in host.explain("when_ready")["when_ready"]]
    assert [each for each in found if each in ("late", "ape", "zebra")] == ["late", "zebra", "ape"]


def test_of_two_plugins_with_one_name_the_second_is_refused_while_both_are_off(folder, zebra):
    install(folder, "zoo2", {"zebra": "other"}, {}, settings={"spots": "other"})

    host = load_on_demand()

    (failed,) = host.failures()
    assert failed.distribution == "zoo2"
    assert failed.is_fatal
