"""How hooks are called: collected, first wins, notified, and frozen for the hot path.

pluggy discovers, validates and orders the implementations; calling them is done here where
pluggy's own call (stop at the first exception) is not what a server needs.  A hook with a
wrapper among its implementations always goes through pluggy, so that wrappers work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar, cast

import pluggy

from hookserve.errors import HookError, HookserveError
from hookserve.wording import describe

P = ParamSpec("P")
T = TypeVar("T")

TRACE_VARIABLE = "HOOKSERVE_TRACE_HOOKS"


def implementations(hook: Callable[..., object]) -> list[pluggy.HookImpl]:
    """The implementations of a hook in calling order, wrappers first."""
    return list(reversed(_caller(hook).get_hookimpls()))


def collect(
    hook: Callable[P, Iterable[T]], *args: P.args, **kwargs: P.kwargs
) -> list[tuple[str, T]]:
    """Call a collected hook and join the answers, each with the name of its plugin.

    Raises HookError naming the plugin that raised.
    """
    found: list[tuple[str, T]] = []
    for implementation in implementations(hook):
        try:
            answer = cast("Iterable[T]", _call(hook, implementation, args, kwargs))
            found.extend((implementation.plugin_name, item) for item in answer)
        except HookserveError:
            raise
        except Exception as error:  # a plugin may raise anything
            raise _failure(hook, implementation, error) from error
    return found


def fire(hook: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> object:
    """Notify, or ask for the first answer, where the first exception stops everything.

    Raises HookError naming the plugin that raised; a `HookserveError` passes as it is.
    """
    caller = _caller(hook)
    if _has_wrappers(caller):
        return _through_pluggy(caller, args, kwargs)
    first_wins = bool(caller.spec and caller.spec.opts.get("firstresult"))
    for implementation in implementations(hook):
        try:
            answer = _call(hook, implementation, args, kwargs)
        except HookserveError:
            raise
        except Exception as error:  # a plugin may raise anything
            raise _failure(hook, implementation, error) from error
        if first_wins and answer is not None:
            return answer
    return None


def notify(hook: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Notify everybody: an implementation that raises is logged and the others still run."""
    caller = _caller(hook)
    if _has_wrappers(caller):
        try:
            _through_pluggy(caller, args, kwargs)
        except Exception as error:  # a plugin may raise anything
            _report(caller.name, "?", error)
        return
    for implementation in implementations(hook):
        try:
            _call(hook, implementation, args, kwargs)
        except Exception as error:  # a plugin may raise anything
            _report(caller.name, implementation.plugin_name, error)


def ask(hook: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> object:
    """The first answer that is not `None`, where one that raises is logged and passed over."""
    for implementation in implementations(hook):
        try:
            answer = _call(hook, implementation, args, kwargs)
        except Exception as error:  # a plugin may raise anything
            _report(_caller(hook).name, implementation.plugin_name, error)
            continue
        if answer is not None:
            return answer
    return None


def freeze(hook: Callable[P, object]) -> tuple[Callable[..., None], ...]:
    """The implementations of a notification as plain functions, in calling order.

    Each takes the arguments of the specification by position and raises no Exception.  Nobody
    listening gives an empty tuple, so that an unused hook costs a test of truth.
    """
    caller = _caller(hook)
    found = implementations(hook)
    if not found:
        return ()
    names = _argument_names(caller)
    if _has_wrappers(caller) or os.environ.get(TRACE_VARIABLE):

        def through_pluggy(*args: object) -> None:
            caller(**dict(zip(names, args, strict=True)))

        return (_contained(caller.name, "?", names, names, through_pluggy),)
    return tuple(
        _contained(caller.name, each.plugin_name, names, each.argnames, each.function)
        for each in found
    )


# Written out for the arguments of each: to pack them and to choose among them at each call would
# cost more than the call.
_CONTAINED = """
def call({given}):
    try:
        _function({wanted})
    except Exception as error:  # a plugin may raise anything; the request is never harmed
        _report(_hook_name, _plugin, error)
"""


def _contained(
    hook_name: str,
    plugin: str,
    given: Iterable[str],
    wanted: Iterable[str],
    function: Callable[..., object],
) -> Callable[..., None]:
    source = _CONTAINED.format(given=", ".join(given), wanted=", ".join(wanted))
    scope = {"_function": function, "_hook_name": hook_name, "_plugin": plugin, "_report": _report}
    exec(source, scope)
    return cast("Callable[..., None]", scope["call"])


def _caller(hook: Callable[..., object]) -> pluggy.HookCaller:
    return cast("pluggy.HookCaller", hook)


def _argument_names(caller: pluggy.HookCaller) -> tuple[str, ...]:
    assert caller.spec is not None
    return tuple(caller.spec.argnames)


def _has_wrappers(caller: pluggy.HookCaller) -> bool:
    return any(each.wrapper or each.hookwrapper for each in caller.get_hookimpls())


def _arguments(
    caller: pluggy.HookCaller,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],  # Any: hooks vary
) -> dict[str, Any]:  # Any: hooks vary
    return {**dict(zip(_argument_names(caller), args, strict=False)), **kwargs}


def _call(
    hook: Callable[..., object],
    implementation: pluggy.HookImpl,
    args: tuple[Any, ...],  # Any: hooks vary
    kwargs: dict[str, Any],  # Any: hooks vary
) -> object:
    given = _arguments(_caller(hook), args, kwargs)
    answer: object = implementation.function(*[given[name] for name in implementation.argnames])
    return answer


def _through_pluggy(
    caller: pluggy.HookCaller,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],  # Any: hooks vary
) -> object:
    answer: object = caller(**_arguments(caller, args, kwargs))
    return answer


def _failure(
    hook: Callable[..., object], implementation: pluggy.HookImpl, error: Exception
) -> HookError:
    name = implementation.plugin_name
    return HookError(
        f"plugin '{name}' raised in {_caller(hook).name}: {describe(error)}"
        f" (mend it, or leave it out with -P no:{name})",
        name,
    )


def _report(hook_name: str, plugin: str, error: Exception) -> None:
    import logging

    logging.getLogger("hookserve").error(
        "plugin '%s' raised in %s: %s", plugin, hook_name, describe(error), exc_info=error
    )
