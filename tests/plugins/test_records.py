"""What hooks must return is checked in one place."""

import inspect
from contextlib import nullcontext

import pytest

from hookserve import hookimpl, hookspecs
from hookserve.config.values import integer
from hookserve.plugins.records import ITEMS, RESULTS, WrongResult, check_items, check_result
from hookserve.types import (
    AuxiliaryProcess,
    Command,
    Diagnosis,
    LoggerType,
    Middleware,
    ProtocolType,
    ScoreboardField,
    Setting,
    SettingValue,
    Variable,
    WorkerType,
)


class Brought:
    """A plugin."""

    broken = property(lambda self: 1 / 0)

    @hookimpl
    def when_ready(self): ...


GOOD = {
    "settings": Setting("shy", 1, integer, "shy"),
    "worker_types": WorkerType("a", "a:A", "a"),
    "protocol_types": ProtocolType("a", "a:A", "a"),
    "logger_types": LoggerType("a", "a:a", "a"),
    "logger_aliases": "a",
    "commands": Command("a", "a:a", "a"),
    "variables": Variable("A_PORT", "bind"),
    "translations": SettingValue("workers", 3),
    "derived_settings": SettingValue("workers", 3, "processors=3"),
    "config_files": "a.conf.py",
    "config_warnings": "be careful",
    "file_contexts": nullcontext(),
    "file_plugins": Brought(),
    "configured_plugins": Brought(),
    "middlewares": Middleware("a", "a:a"),
    "app_wrappers": print,
    "connection_wrappers": print,
    "takeover_adapters": print,
    "scoreboard_fields": ScoreboardField("a", "a"),
    "diagnoses": Diagnosis("note", "moon", "it is full", "wait"),
    "tick_intervals": 1.5,
    "auxiliary_processes": AuxiliaryProcess("a", print),
}
BAD = dict.fromkeys(GOOD) | {"tick_intervals": "soon", "config_files": 5}


@pytest.mark.parametrize("result", [[5], ["x"], (5,), [object()], [Brought(), print]])
@pytest.mark.parametrize("hook", ["configured_plugins", "file_plugins"])
def test_an_object_without_hooks_is_no_plugin(hook, result):
    with pytest.raises(WrongResult, match="expected an object with hooks as each item, not "):
        check_items(hook, result)


def test_every_collected_hook_has_its_items():
    collected = {name for name in vars(hookspecs.AssemblyHooks) if not name.startswith("_")}

    assert set(ITEMS) == set(GOOD) == collected


def test_every_result_is_of_a_hook_of_which_the_first_result_wins():
    assert set(RESULTS) <= set(vars(hookspecs.FactoryHooks))


@pytest.mark.parametrize("hook", GOOD)
@pytest.mark.parametrize("collect", [list, tuple, iter], ids=["list", "tuple", "iterator"])
def test_what_is_right_is_taken(hook, collect):
    assert check_items(hook, collect([GOOD[hook]])) == [GOOD[hook]]
    assert check_items(hook, collect([])) == []


@pytest.mark.parametrize("hook", GOOD)
def test_an_item_instead_of_a_list_is_refused(hook):
    with pytest.raises(WrongResult, match="expected a list, each item "):
        check_items(hook, GOOD[hook])


@pytest.mark.parametrize("hook", GOOD)
@pytest.mark.parametrize("result", [None, 5, {"a": 1}, "text"], ids=repr)
def test_what_is_not_a_list_is_refused(hook, result):
    with pytest.raises(WrongResult, match="expected a list, each item "):
        check_items(hook, result)


@pytest.mark.parametrize("hook", GOOD)
def test_a_wrong_item_is_refused(hook):
    with pytest.raises(WrongResult, match=f"expected {ITEMS[hook].words} as each item, not "):
        check_items(hook, [GOOD[hook], BAD[hook]])


def test_a_record_that_is_a_bare_tuple_is_refused():
    with pytest.raises(WrongResult, match=r"a Setting as each item, not tuple \(.shy., 1\)"):
        check_items("settings", [("shy", 1)])


@pytest.mark.parametrize(
    ("hook", "record", "message"),
    [
        ("worker_types", WorkerType("", "a:A", "a"), "a WorkerType needs a name, not str ''"),
        ("worker_types", WorkerType(5, "a:A", "a"), "a WorkerType needs a name, not int 5"),
        (
            "worker_types",
            WorkerType("a", "a.A", "a"),
            "the target of a is not module:attribute: st",
        ),
        (
            "worker_types",
            WorkerType("a", print, "a"),
            "the target of a is not module:attribute: bu",
        ),
        (
            "worker_types",
            WorkerType("a", "a:A", "a", "p"),
            "the patch of a is not module:attribute",
        ),
        ("middlewares", Middleware("a", "a.a"), "the target of a is not module:attribute: str"),
        (
            "middlewares",
            Middleware("a", "a:a", "asgi"),
            "the interfaces of a are no tuple of names: str 'asgi'",
        ),
        ("app_wrappers", Middleware("a", print, ()), "the interfaces of a are no tuple of names"),
        ("commands", Command("a", "a:", "a"), "the target of a is not module:attribute: str 'a:'"),
        (
            "auxiliary_processes",
            AuxiliaryProcess("a", "a:a"),
            "the target of a cannot be called: str 'a:a'",
        ),
    ],
)
def test_a_record_needs_a_name_and_a_target(hook, record, message):
    with pytest.raises(WrongResult) as caught:
        check_items(hook, [record])

    assert str(caught.value).startswith(message)


async def coroutine():
    raise AssertionError("it is not run")


@pytest.mark.parametrize("check", [check_items, check_result])
def test_a_coroutine_is_refused_and_leaves_no_warning(check):
    with pytest.raises(WrongResult, match="not a coroutine function"):
        check("settings", coroutine())


@pytest.mark.parametrize(
    ("hook", "right", "wrong"),
    [
        ("load_app", print, 5),
        ("target_workers", 3, "3"),
        ("target_workers", 3, True),
        ("open_listeners", (), "unix:/a"),
        ("explain_unknown", "say why", 5),
        ("make_restart_plan", None, object()),
    ],
)
def test_a_result_is_of_its_kind_or_none(hook, right, wrong):
    assert check_result(hook, right) is right
    assert check_result(hook, None) is None
    with pytest.raises(WrongResult, match=f"expected {RESULTS[hook].words} or None, not "):
        check_result(hook, wrong)


def test_hooks_of_plugins_own_are_not_checked():
    assert check_items("hooks_of_another_project", (1, 2)) == [1, 2]
    assert inspect.isfunction(check_result("another", coroutine))
