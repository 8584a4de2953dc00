"""How hooks are called: collected, first wins, notified, and frozen for the hot path.

pluggy discovers, validates and orders the implementations; calling them is done here, where
pluggy's own call (stop at the first exception, name no plugin) is not what a server needs.
Wrappers of both kinds run around each way of calling, with pluggy's meaning: around a collected
hook they get the list of what the implementations returned.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import cached_property, partial
from operator import itemgetter
from typing import Any, ParamSpec, TypeVar, cast

import pluggy

from hookserve.errors import HookError, HookserveError
from hookserve.plugins.manager import manager_of
from hookserve.plugins.records import WrongResult, check_items, check_list, check_result
from hookserve.wording import describe

P = ParamSpec("P")
T = TypeVar("T")

TRACE_VARIABLE = "HOOKSERVE_TRACE_HOOKS"
"""The variable that has each call of a hook traced by pluggy."""


def implementations(hook: Callable[..., object]) -> list[pluggy.HookImpl]:
    """The implementations of a hook in calling order, wrappers first."""
    return list(reversed(_caller(hook).get_hookimpls()))


def collect(
    hook: Callable[P, Iterable[T]], *args: P.args, **kwargs: P.kwargs
) -> list[tuple[str, T]]:
    """Call a collected hook and join the results, each item with the name of its plugin.

    Raises HookError naming the plugin that raised.  What a wrapper adds carries its name.
    """
    invocation = _Invocation(hook, args, kwargs)
    owners: list[tuple[object, str]] = []

    def gather() -> list[object]:
        found = []
        for each in invocation.plain:
            items = invocation.run(each, check_items)
            owners.append((items, each.plugin_name))
            found.append(items)
        return found

    def call() -> list[tuple[str, object]]:
        found: list[tuple[str, object]] = []
        results = invocation.around(gather)
        if invocation.wrappers:
            results = invocation.check_wrapped(results, check_list)
        for items in cast("Iterable[object]", results):
            name = next((name for known, name in owners if known is items), None)
            checked = items if name is not None else invocation.check_wrapped(items, check_items)
            owner = name if name is not None else invocation.wrappers[0].plugin_name
            found.extend((owner, item) for item in cast("Iterable[object]", checked))
        return found

    return cast("list[tuple[str, T]]", invocation.strictly(call))


def wrap(
    hook: Callable[P, Iterable[Callable[[T], T]]],
    inner: T,
    fits: Callable[[object], bool],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """`inner` with what the wrappers of a collected hook put around it, the first one outermost.

    Raises HookError naming the plugin whose wrapper raised, or returned what does not fit.
    """
    for plugin, wrapper in reversed(collect(hook, *args, **kwargs)):
        inner = wrap_in(hook, plugin, wrapper, inner, fits)
    return inner


def wrap_in(
    hook: Callable[..., object],
    plugin: str,
    wrapper: Callable[[T], T],
    inner: T,
    fits: Callable[[object], bool],
) -> T:
    """`inner` with one wrapper around it, which a plugin has returned from a hook.

    Raises HookError naming the plugin when the wrapper raises, or returns what does not fit.
    """
    invocation = _Invocation(hook, (), {})
    made = invocation.strictly(partial(invocation.wrap, plugin, wrapper, inner, fits))
    return cast("T", made)


def fire(hook: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> object:
    """Notify, or ask for the first result, where the first exception stops everything.

    Raises HookError naming the plugin that raised; a `HookserveError` passes as it is.
    """
    invocation = _Invocation(hook, args, kwargs)

    def call() -> object:
        for each in invocation.plain:
            result = invocation.run(each)
            if invocation.first_wins and result is not None:
                return result
        return None

    return invocation.strictly(partial(invocation.around, call))


def notify(hook: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
    """Notify every plugin: an implementation that raises is logged and the others still run."""
    invocation = _Invocation(hook, args, kwargs)

    def call() -> None:
        for each in invocation.plain:
            invocation.contained(partial(invocation.run, each))

    invocation.contained(partial(invocation.around, call))


def ask(hook: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> object:
    """The first result that is not `None`; an implementation that raises is logged and skipped."""
    invocation = _Invocation(hook, args, kwargs)

    def call() -> object:
        for each in invocation.plain:
            result = invocation.contained(partial(invocation.run, each))
            if result is not None:
                return result
        return None

    return invocation.contained(partial(invocation.around, call))


def freeze(hook: Callable[P, object]) -> tuple[Callable[..., None], ...]:
    """The implementations of a notification as plain functions, in calling order.

    Each takes the arguments of the specification by position and raises no Exception.  A hook
    without implementations gives an empty tuple, so that it costs a test of truth.
    """
    caller = _caller(hook)
    found = implementations(hook)
    if not found:
        return ()
    names = _argument_names(caller)
    if os.environ.get(TRACE_VARIABLE):

        def through_pluggy(*args: object) -> None:
            caller(**dict(zip(names, args, strict=True)))

        return (_contained(caller.name, "?", names, names, through_pluggy),)
    if any(map(_is_wrapper, found)):
        return (partial(notify, cast("Callable[..., object]", hook)),)
    return tuple(
        _contained(caller.name, each.plugin_name, names, each.argnames, each.function)
        for each in found
    )


def _contained(
    hook_name: str,
    plugin: str,
    given: Sequence[str],
    wanted: Sequence[str],
    function: Callable[..., object],
) -> Callable[..., None]:
    """The function, called with those arguments that it wants, in its order."""
    if tuple(wanted) == tuple(given):

        def call(*args: object) -> None:
            try:
                function(*args)
            except Exception as error:  # a plugin may raise anything; the request is not harmed
                _report(hook_name, plugin, error)

        return call
    positions = [given.index(name) for name in wanted]
    if len(positions) == 1:
        (position,) = positions

        def call_with_one(*args: object) -> None:
            try:
                function(args[position])
            except Exception as error:  # as above
                _report(hook_name, plugin, error)

        return call_with_one
    choose: Callable[[tuple[object, ...]], Sequence[object]] = (
        itemgetter(*positions) if positions else lambda args: ()
    )

    def call_with_some(*args: object) -> None:
        try:
            function(*choose(args))
        except Exception as error:  # as above
            _report(hook_name, plugin, error)

    return call_with_some


class _Invocation:
    """One call of one hook: its arguments, its implementations, and the plugin that failed."""

    def __init__(
        self,
        hook: Callable[..., object],
        args: tuple[Any, ...],  # Any: hooks vary
        kwargs: dict[str, Any],  # Any: hooks vary
    ) -> None:
        self._caller = _caller(hook)
        self._given = {**dict(zip(_argument_names(self._caller), args, strict=False)), **kwargs}
        found = implementations(hook)
        self.wrappers = [each for each in found if _is_wrapper(each)]
        self.plain = [each for each in found if not _is_wrapper(each)]
        self._raised: list[tuple[Exception, str]] = []

    @cached_property
    def first_wins(self) -> bool:
        """Whether the first result that is not `None` ends the call."""
        return bool(self._caller.spec and self._caller.spec.opts.get("firstresult"))

    def run(
        self,
        implementation: pluggy.HookImpl,
        check: Callable[[str, object], object] = check_result,
    ) -> object:
        """Call one implementation; notes its plugin when it raises, or its result is wrong."""
        arguments = [self._given[name] for name in implementation.argnames]
        try:
            return check(self._caller.name, implementation.function(*arguments))
        except Exception as error:  # a plugin may raise anything
            self._note(error, implementation.plugin_name)
            raise

    def around(self, call: Callable[[], object], depth: int = 0) -> object:
        """`call()` inside the wrappers, the first one outermost."""
        if depth == len(self.wrappers):
            return call()
        wrapper = self.wrappers[depth]
        outcome: pluggy.Result[object] | None = None
        try:
            generator = cast("Generator[None, object, object]", self.run(wrapper, _unchecked))
            next(generator)
            outcome = pluggy.Result.from_call(partial(self.around, call, depth + 1))
            _resume(generator, outcome, wrapper.hookwrapper)
        except StopIteration as end:
            if outcome is None:
                return self._refuse(wrapper, "the wrapper did not yield")
            return outcome.get_result() if wrapper.hookwrapper else end.value
        except Exception as error:  # the wrapper's, or one that passed through it
            self._note(error, wrapper.plugin_name)
            raise
        generator.close()
        return self._refuse(wrapper, "the wrapper yielded twice")

    def check_wrapped(self, result: object, check: Callable[[str, object], object]) -> object:
        """What the wrappers of a collected hook returned; a fault is the outermost one's."""
        try:
            return check(self._caller.name, result)
        except WrongResult as error:
            self._note(error, self.wrappers[0].plugin_name)
            raise

    def wrap(
        self,
        plugin: str,
        wrapper: Callable[[T], T],
        inner: T,
        fits: Callable[[object], bool],
    ) -> T:
        """What one wrapper makes of `inner`; notes its plugin when it fails."""
        try:
            made = wrapper(inner)
            if not fits(made):
                raise WrongResult(f"its wrapper returned {made!r}, which is not a replacement")
        except Exception as error:  # a plugin may raise anything
            self._note(error, plugin)
            raise
        return made

    def strictly(self, call: Callable[[], object]) -> object:
        """`call()`; an exception becomes a HookError that names the plugin."""
        try:
            return call()
        except HookserveError:
            raise
        except Exception as error:  # a plugin may raise anything
            name = self._culprit(error)
            raise HookError(
                f"plugin '{name}' {_happened(self._caller.name, error)}"
                f" ({remedy_for(self._caller, name)})",
                name,
            ) from error

    def contained(self, call: Callable[[], object]) -> object:
        """`call()`; an exception is logged, and the result is `None`."""
        try:
            return call()
        except Exception as error:  # a plugin may raise anything
            _report(self._caller.name, self._culprit(error), error)
            return None

    def _refuse(self, wrapper: pluggy.HookImpl, problem: str) -> object:
        error = TypeError(problem)
        self._note(error, wrapper.plugin_name)
        raise error

    def _note(self, error: Exception, plugin: str) -> None:
        if all(known is not error for known, _ in self._raised):
            self._raised.append((error, plugin))

    def _culprit(self, error: Exception) -> str:
        return next((plugin for known, plugin in self._raised if known is error), "?")


def _resume(
    generator: Generator[None, object, object], outcome: pluggy.Result[object], is_old: bool
) -> None:
    """Give a wrapper the outcome of what is inside it; raises StopIteration when it is done."""
    if is_old:
        generator.send(outcome)
    elif outcome.exception is not None:
        generator.throw(outcome.exception)
    else:
        generator.send(outcome.get_result())


def _unchecked(hook_name: str, result: object) -> object:
    return result


def remedy_for(hook: Callable[..., object], plugin: str) -> str:
    """What to do about a plugin that has raised, or returned a wrong value."""
    manager = manager_of(_caller(hook))
    how = manager.explain_without(plugin) if manager is not None else ""
    return f"mend it, or {how}" if how else "mend it"


def _caller(hook: Callable[..., object]) -> pluggy.HookCaller:
    return cast("pluggy.HookCaller", hook)


def _argument_names(caller: pluggy.HookCaller) -> tuple[str, ...]:
    assert caller.spec is not None
    return tuple(caller.spec.argnames)


def _is_wrapper(implementation: pluggy.HookImpl) -> bool:
    return bool(implementation.wrapper or implementation.hookwrapper)


def _happened(hook_name: str, error: Exception) -> str:
    if isinstance(error, WrongResult):
        return f"returned a wrong value in {hook_name}: {error}"
    return f"raised in {hook_name}: {describe(error)}"


def _report(hook_name: str, plugin: str, error: Exception) -> None:
    import logging

    trace = None if isinstance(error, WrongResult) else error
    logging.getLogger("hookserve").error(
        "plugin '%s' %s", plugin, _happened(hook_name, error), exc_info=trace
    )
