"""From the functions of a configuration file to a plugin.

A function whose parameters are some of the hook's, by name, is registered as it is.  Any other
is called by position, in the hook's order, whatever its author called the parameters.  A string
names the function of a module.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hookserve import ConfigError, hookimpl
from hookserve.hookmarkers import MARK
from hookserve.hookspecs import AssemblyHooks, Hooks
from hookserve.wording import counted, describe

COLLECTED = frozenset(name for name in vars(AssemblyHooks) if not name.startswith("_"))
"""Hooks whose names a file may use for something of its own: they count only when marked."""

_BY_NAME_ONLY = frozenset({"reason"})
"""Parameters that were added to hooks: a function gets them by name, never by position."""

_FEWEST = {"pre_request": 2, "post_request": 2}
"""How many parameters, called by position, are enough where not all of them are needed."""

_USUAL = {"pre_request": 2}
"""How many arguments a function with defaults gets where that is not all of them."""

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.\w+)*[.:]\w+(\.\w+)*")


Replace = Callable[[str, Callable[..., object], tuple[str, ...]], object]
"""The hook `adapt_file_hook`; a name, a function and its parameters: another function or `None`."""


class FilePlugin:
    """The hooks of one configuration file; each is an attribute."""


def adapt(module: ModuleType, replace: Replace) -> FilePlugin | None:
    """A plugin with the hooks that the module defines; `None` when it defines none.

    `replace` may put another function in the place of each.

    Raises ConfigError for a function that cannot take what its hook gives, naming file, line and
    the parameters expected.
    """
    plugin = FilePlugin()
    for name in (each for each in dir(Hooks) if not each.startswith("_")):
        function = getattr(module, name, None)
        if isinstance(function, str) and name not in COLLECTED and _REFERENCE.fullmatch(function):
            function = _find(module, name, function)
        if not callable(function) or (name in COLLECTED and not hasattr(function, MARK)):
            continue
        setattr(plugin, name, _implementation(module, name, function, replace))
    for name, function in vars(module).items():
        if getattr(function, MARK, {}).get("specname") and not hasattr(plugin, name):
            setattr(plugin, name, function)  # a hook under a name of the file's own
    return plugin if vars(plugin) else None


def _find(module: ModuleType, name: str, reference: str) -> object:
    """What a string names: ``package.module.function``, or with a colon before the function.

    Raises ConfigError.
    """
    try:
        found = pkgutil.resolve_name(reference)
    except Exception as error:  # the module may raise anything
        raise ConfigError(
            f"{module.__file__}: {name} names {reference}: {describe(error)}"
        ) from error
    if not callable(found):
        raise ConfigError(f"{module.__file__}: {name} names {reference}, which is not a function")
    return found


def _implementation(
    module: ModuleType, name: str, function: Callable[..., object], replace: Replace
) -> Callable[..., object]:
    if hasattr(function, MARK):
        return function
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigError(
            f"{_where(module, function)}: {name} is a coroutine function"
            " (hooks are plain functions)"
        )
    offered = tuple(inspect.signature(getattr(Hooks, name)).parameters)[1:]
    given = _given(module, name, function, offered)
    replacement = replace(name, function, given)
    if callable(replacement):
        return hookimpl(_positional(replacement, offered))
    return hookimpl(_positional(function, given))


def _given(
    module: ModuleType, name: str, function: Callable[..., object], offered: tuple[str, ...]
) -> tuple[str, ...]:
    """The hook's parameters that the function gets by position; raises ConfigError."""
    order = tuple(each for each in offered if each not in _BY_NAME_ONLY)
    parameters = _parameters(function)
    if parameters is None:
        return order
    required = tuple(each.name for each in parameters if each.default is each.empty)
    by_name = tuple(each.name for each in parameters if each.name in offered)
    if (
        set(required) <= set(offered)
        and inspect.isfunction(function)
        and (by_name or not parameters)
    ):
        return by_name
    count = max(len(required), min(len(parameters), _USUAL.get(name, len(order))))
    if not _FEWEST.get(name, len(order)) <= count <= len(order):
        raise ConfigError(
            f"{_where(module, function)}: {name} takes {counted(len(required), 'parameter')},"
            f" expected {name}({', '.join(order)})"
        )
    return order[:count]


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter] | None:
    """Its positional parameters; `None`: it takes any number."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is each.VAR_POSITIONAL for each in found):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each for each in found if each.kind in positional]


def _positional(function: Callable[..., object], names: tuple[str, ...]) -> Callable[..., object]:
    """The function under parameters called `names`, which is how pluggy tells what to pass.

    A file's function is never changed: it may be imported from a module that others use.
    """
    scope: dict[str, Any] = {"__call": function}  # Any: a namespace
    # pluggy reads the names off the code object: code with the right names has to be made.
    exec(f"def hook({', '.join(names)}):\n    return __call({', '.join(names)})", scope)
    made: Callable[..., object] = scope["hook"]
    made.__doc__ = function.__doc__
    return made


def _where(module: ModuleType, function: Callable[..., object]) -> str:
    code = getattr(function, "__code__", None)
    return f"{module.__file__}:{code.co_firstlineno}" if code is not None else str(module.__file__)
