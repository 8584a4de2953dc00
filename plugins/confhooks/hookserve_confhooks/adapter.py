"""From the functions of a configuration file to a plugin.

A function whose parameters are some of the hook's, by name, is registered as it is.  Any other
is called by position, in gunicorn's order, so that a gunicorn file works whatever its author
called the parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from types import ModuleType
from typing import Any

from hookserve import ConfigError, HookserveError, hookimpl
from hookserve.hookspecs import Hooks

GUNICORN_ORDER: dict[str, tuple[str, ...]] = {
    "on_starting": ("server",),
    "on_reload": ("server",),
    "when_ready": ("server",),
    "pre_fork": ("server", "worker"),
    "post_fork": ("server", "worker"),
    "post_worker_init": ("worker",),
    "worker_int": ("worker",),
    "worker_abort": ("worker",),
    "pre_exec": ("server",),
    "pre_request": ("worker", "req"),
    "post_request": ("worker", "req", "environ", "resp"),
    "child_exit": ("server", "worker"),
    "worker_exit": ("server", "worker"),
    "nworkers_changed": ("server", "new_value", "old_value"),
    "on_exit": ("server",),
}
"""The arguments that gunicorn passes by position; post_request takes two, three or four."""

COLLECTED = frozenset(
    {"settings", "worker_types", "protocol_types", "logger_types", "commands", "file_plugins",
     "configured_plugins", "app_wrappers", "aux_processes", "tick_intervals"}
)  # fmt: skip
"""Hooks whose names a file may use for something of its own: they count only when marked."""

_MARK = "hookserve_impl"


class FilePlugin:
    """The hooks of one configuration file; each is an attribute."""


def adapt(module: ModuleType) -> FilePlugin | None:
    """A plugin with the hooks that the module defines; `None` when it defines none.

    Raises ConfigError for a function that cannot take what its hook gives, naming file, line and
    the parameters expected.
    """
    plugin = FilePlugin()
    for name in (each for each in dir(Hooks) if not each.startswith("_")):
        function = getattr(module, name, None)
        if not callable(function) or (name in COLLECTED and not hasattr(function, _MARK)):
            continue
        setattr(plugin, name, _implementation(module, name, function))
    context = getattr(module, "ssl_context", None)
    if callable(context):
        plugin.make_tls_context = hookimpl(wrapper=True)(_tls_maker(context))  # type: ignore[attr-defined]  # as setattr above
    return plugin if vars(plugin) else None


def _implementation(
    module: ModuleType, name: str, function: Callable[..., object]
) -> Callable[..., object]:
    if hasattr(function, _MARK):
        return function
    offered = tuple(inspect.signature(getattr(Hooks, name)).parameters)[1:]
    parameters = _parameters(module, name, function, offered)
    if set(parameters) <= set(offered) and inspect.isfunction(function):
        return hookimpl(_plain(function, parameters))
    order = GUNICORN_ORDER.get(name, offered)
    accepted = (2, 3, 4) if name == "post_request" else (len(order),)
    if len(parameters) not in accepted:
        raise ConfigError(
            f"{_where(module, function)}: {name} takes {len(parameters)} parameters, expected"
            f" {name}({', '.join(order)})"
        )
    return hookimpl(_plain(function, order[: len(parameters)]))


def _parameters(
    module: ModuleType, name: str, function: Callable[..., object], offered: tuple[str, ...]
) -> tuple[str, ...]:
    """The names of the positional parameters that must or may be given."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return GUNICORN_ORDER.get(name, offered)
    if any(each.kind is each.VAR_POSITIONAL for each in found):
        return GUNICORN_ORDER.get(name, offered)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [each for each in found if each.kind in positional and each.default is each.empty]
    return tuple(each.name for each in required)


def _plain(function: Callable[..., object], names: tuple[str, ...]) -> Callable[..., object]:
    """The function under parameters called `names`, which is how pluggy tells what to pass."""
    scope: dict[str, Any] = {"function": function}  # Any: a namespace
    # pluggy reads names off the signature: a function with the right ones has to be made.
    exec(f"def hook({', '.join(names)}):\n    return function({', '.join(names)})", scope)
    made: Callable[..., object] = scope["hook"]
    made.__doc__ = function.__doc__
    return made


def _tls_maker(context: Callable[..., object]) -> Callable[..., object]:
    """gunicorn's ``ssl_context(config, default_factory)`` as `make_tls_context`."""

    def make_tls_context(config: Any) -> Generator[None, object, object]:  # Any: attributes vary
        try:
            made = yield
        except HookserveError as error:
            # What the settings say cannot be: that matters only to who asks for it.
            failure = error

            def default_factory() -> object:
                raise failure

        else:

            def default_factory() -> object:
                return made

        return context(config, default_factory)

    return make_tls_context


def _where(module: ModuleType, function: Callable[..., object]) -> str:
    code = getattr(function, "__code__", None)
    return f"{module.__file__}:{code.co_firstlineno}" if code is not None else str(module.__file__)
