"""What implementations of hooks must return, checked in one place for every hook.

A plugin that returns something else is named with its hook, what is expected and what it returned;
nothing behind the hooks has to check again.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple, cast

from hookserve.hookmarkers import MARK
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

_TARGET = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")


class WrongResult(TypeError):
    """An implementation returned what its hook does not allow; the message says what it allows."""


class _Expected(NamedTuple):
    words: str
    """What one item, or the one result, is."""
    fits: Callable[[object], bool]


def _instance_of(words: str, *kinds: type) -> _Expected:
    return _Expected(words, lambda item: isinstance(item, kinds) and not isinstance(item, bool))


def _has_hooks(item: object) -> bool:
    with contextlib.suppress(Exception):  # attributes of a plugin may raise anything
        return any(hasattr(getattr(item, name, None), MARK) for name in dir(item))
    return True


_PLUGIN = _Expected("an object with hooks", _has_hooks)
_CALLABLE = _Expected("a callable", callable)
_TEXT = _instance_of("a string", str)

ITEMS: dict[str, _Expected] = {
    "settings": _instance_of("a Setting", Setting),
    "worker_types": _instance_of("a WorkerType", WorkerType),
    "protocol_types": _instance_of("a ProtocolType", ProtocolType),
    "logger_types": _instance_of("a LoggerType", LoggerType),
    "commands": _instance_of("a Command", Command),
    "variables": _instance_of("a Variable", Variable),
    "translations": _instance_of("a SettingValue", SettingValue),
    "derived_settings": _instance_of("a SettingValue", SettingValue),
    "config_files": _TEXT,
    "config_warnings": _TEXT,
    "logger_aliases": _TEXT,
    "file_contexts": _instance_of("a context manager", AbstractContextManager),
    "file_plugins": _PLUGIN,
    "configured_plugins": _PLUGIN,
    "middlewares": _instance_of("a Middleware", Middleware),
    "app_wrappers": _Expected(
        "a callable or a Middleware", lambda item: callable(item) or isinstance(item, Middleware)
    ),
    "connection_wrappers": _CALLABLE,
    "takeover_adapters": _CALLABLE,
    "diagnoses": _Expected("a Diagnosis", lambda item: isinstance(item, Diagnosis)),
    "scoreboard_fields": _instance_of("a ScoreboardField", ScoreboardField),
    "tick_intervals": _instance_of("a number of seconds", int, float),
    "auxiliary_processes": _instance_of("an AuxiliaryProcess", AuxiliaryProcess),
}
"""The items of each collected hook."""

RESULTS: dict[str, _Expected] = {
    "adapt_file_hook": _CALLABLE,
    "explain_unknown": _TEXT,
    "open_listeners": _instance_of("a list or tuple of listeners", list, tuple),
    "load_app": _CALLABLE,
    "target_workers": _instance_of("a number of workers", int),
    "make_restart_plan": _Expected(
        "a RestartPlan", lambda item: hasattr(item, "starts") and hasattr(item, "retirements")
    ),
}
"""The results of first-wins hooks, `None` aside."""


def check_items(hook: str, result: object) -> list[object]:
    """The items that an implementation of a collected hook returned; raises WrongResult."""
    expected = ITEMS.get(hook)
    _refuse_coroutine(result)
    if expected is None:
        return [*cast("Iterable[object]", result)]
    if not _is_list(result):
        raise WrongResult(f"expected a list, each item {expected.words}, not {_shown(result)}")
    items = [*cast("Iterable[object]", result)]
    for item in items:
        if not expected.fits(item):
            raise WrongResult(f"expected {expected.words} as each item, not {_shown(item)}")
        _check_record(item)
    return items


def check_list(hook: str, result: object) -> object:
    """What wrappers around a collected hook returned; raises WrongResult."""
    if not _is_list(result):
        raise WrongResult(f"expected a list of lists, not {_shown(result)}")
    return result


def check_result(hook: str, result: object) -> object:
    """What an implementation of another hook returned; raises WrongResult."""
    _refuse_coroutine(result)
    expected = RESULTS.get(hook)
    if expected is not None and result is not None and not expected.fits(result):
        raise WrongResult(f"expected {expected.words} or None, not {_shown(result)}")
    return result


def _check_record(item: object) -> None:
    """A record's name and targets; other items have none."""
    name = getattr(item, "name", "-") if hasattr(item, "_fields") else "-"
    if not isinstance(name, str) or not name.strip():
        raise WrongResult(f"a {type(item).__name__} needs a name, not {_shown(name)}")
    if isinstance(item, Middleware) and not _is_strings(item.interfaces):
        raise WrongResult(
            f"the interfaces of {name} are no tuple of names: {_shown(item.interfaces)}"
        )
    if isinstance(item, Middleware) and callable(item.target):
        return
    if isinstance(item, AuxiliaryProcess):
        if not callable(item.target):
            raise WrongResult(f"the target of {name} cannot be called: {_shown(item.target)}")
        return
    for field in ("target", "patch"):
        target = getattr(item, field, None)
        if target is not None and not (isinstance(target, str) and _TARGET.fullmatch(target)):
            raise WrongResult(f"the {field} of {name} is not module:attribute: {_shown(target)}")


def _is_strings(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, str) for each in value) and value != ()


def _is_list(result: object) -> bool:
    """Whether a result is iterable and neither a record nor text, which are iterable too."""
    return (
        isinstance(result, Iterable)
        and not isinstance(result, (str, bytes, dict))
        and not hasattr(result, "_fields")
    )


def _refuse_coroutine(result: object) -> None:
    if inspect.iscoroutine(result):
        result.close()  # or Python warns that it was never awaited
        raise WrongResult("a hook is a plain function, not a coroutine function")


def _shown(value: object) -> str:
    """A wrong value: its type, and the value where it is short."""
    text = repr(value)
    kind = type(value).__name__
    return f"{kind} {text}" if len(text) <= 40 and value is not None else kind
