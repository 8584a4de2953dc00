"""What is wrong with a plugin: its hooks, their parameters, the level of hooks that it expects."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType

import pluggy

from hookserve.hookmarkers import MARK
from hookserve.types import API_LEVEL
from hookserve.wording import did_you_mean

EARLY_HOOKS = frozenset(
    {
        "adapt_file_hook",
        "config_files",
        "explain_unknown",
        "file_contexts",
        "file_plugins",
        "logger_types",
        "protocol_types",
        "translations",
        "variables",
        "worker_types",
    }
)
"""Those that are called while the settings are read, or that name what a setting may choose."""


def hook_names(manager: pluggy.PluginManager) -> list[str]:
    """The hooks that are specified, by the core or by a plugin."""
    return [name for name, caller in vars(manager.hook).items() if is_specified(caller)]


def is_specified(caller: object) -> bool:
    """Whether it is a hook that the core or a plugin has specified."""
    return isinstance(caller, pluggy.HookCaller) and caller.has_spec()


def check_level(plugin: object, distribution: Callable[[], str]) -> tuple[str, str]:
    """Why a plugin is not for this level of the hooks, and the remedy; empty when it is.  The name
    of its distribution is read from a file."""
    level = getattr(plugin, "hookserve_api", API_LEVEL)
    if not isinstance(level, int) or isinstance(level, bool):
        return f"its hookserve_api is {level!r}, a whole number is expected", "mend it"
    if level == API_LEVEL:
        return "", ""
    upgrade = "hookserve" if level > API_LEVEL else distribution()
    cause = f"it was written for level {level} of the hooks, this is {API_LEVEL}"
    return cause, f"pip install --upgrade {upgrade}"


def explain_refusal(
    manager: pluggy.PluginManager, plugin: object, error: pluggy.PluginValidationError
) -> str:
    """Why pluggy refuses a plugin, in one line."""
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        if options is None:
            continue
        hook = options.get("specname") or name
        caller = getattr(manager.hook, hook, None)
        if caller is None or not is_specified(caller):
            if not options.get("optionalhook"):
                return f"'{hook}' is not a hook{did_you_mean(hook, hook_names(manager))}"
        elif unknown := _unknown_parameters(caller, getattr(plugin, name)):
            offered = ", ".join(caller.spec.argnames) or "none"
            return f"{name} has a parameter '{unknown}' that the hook lacks (it has: {offered})"
    return " ".join(str(error).split())


def find_coroutine(callers: list[pluggy.HookCaller], plugin: object) -> str:
    """What is wrong when one of a plugin's hooks is a coroutine function; empty when none is."""
    for caller in callers:
        for each in caller.get_hookimpls():
            if each.plugin is plugin and _is_coroutine_function(each.function):
                return f"{caller.name} is a coroutine function (hooks are plain functions)"
    return ""


def find_early(callers: Iterable[pluggy.HookCaller], has_variables: bool = False) -> str:
    """What is wrong when a plugin that is loaded on demand has a hook that is called before it is
    known which settings are used; empty when it has none.  Its distribution may name variables."""
    early = sorted({caller.name for caller in callers} & EARLY_HOOKS)
    if has_variables:
        early = [each for each in early if each != "variables"]
    if not early:
        return ""
    return (
        f"{', '.join(early)} would not be called while none of its settings is used (take these out"
        " of its distribution's entry points)"
    )


def find_unmarked(manager: pluggy.PluginManager, plugin: object) -> list[str]:
    """The functions of a plugin module that are called like hooks and are not marked as such."""
    if not isinstance(plugin, ModuleType):
        return []
    return [
        name
        for name, member in vars(plugin).items()
        if isinstance(member, FunctionType)
        and member.__module__ == plugin.__name__
        and MARK not in vars(member)
        and is_specified(getattr(manager.hook, name, None))
    ]


def _unknown_parameters(caller: pluggy.HookCaller, function: object) -> str:
    """The first parameter of an implementation that the hook's specification lacks."""
    code = getattr(inspect.unwrap(function), "__code__", None)  # type: ignore[arg-type]  # callable
    if code is None or caller.spec is None:
        return ""
    names = code.co_varnames[: code.co_argcount - len(getattr(function, "__defaults__", ()) or ())]
    return next((each for each in names if each not in ("self", *caller.spec.argnames)), "")


def _is_coroutine_function(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
