"""The middleware of the plugins: which of it goes around an application, and what is left out.

A middleware is for some interfaces.  What is for another one than the application's is never put
around it, because it would fail at the first request, and never left out silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from hookserve.errors import BootError, PluginError
from hookserve.plugins import calling
from hookserve.plugins.target import load_target
from hookserve.types import Middleware
from hookserve.worker.interface import WSGI

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost
    from hookserve.worker.base import Worker

App = TypeVar("App")


class _Found(NamedTuple):
    hook: Callable[..., object]
    plugin: str
    item: Middleware


def wrap_application(worker: Worker, app: App, interface: str) -> App:
    """The application with the middleware for its interface around it.

    Logs a warning for each that is for another one; with the setting `strict` it raises BootError.
    Raises HookError naming the plugin whose middleware raises, cannot be imported, or returns what
    cannot be called.
    """
    context = worker.context
    found = [*_of_configuration(context.host, context.config), *_of_worker(context.host, worker)]
    for line in _left_out(found, interface):
        if context.config.strict:
            raise BootError(f"{line} (refused by --strict)")
        if worker.index == 0:  # the others leave out the same
            worker.log.warning("%s", line)
    for hook, plugin, item in reversed(found):
        if interface in item.interfaces:
            wrapper = cast("Callable[[App], App]", _Loaded(item))
            app = calling.wrap_in(hook, plugin, wrapper, app, callable)
    return app


def find_left_out(host: PluginHost, config: Config, interface: str) -> list[str]:
    """A line for each middleware of the configuration that is for another interface; what
    `app_wrappers` brings is not known before there is a worker."""
    return list(_left_out(_of_configuration(host, config), interface))


def find_unknown(host: PluginHost, interface: str) -> list[str]:
    """A line for each plugin whose middleware is known in a worker only, where the application has
    another interface than the one that a plain function is for."""
    if interface == WSGI:
        return []
    names = [each.plugin_name for each in calling.implementations(host.hook.app_wrappers)]
    return [
        f"what app_wrappers of plugin '{name}' returns is known when a worker boots: functions are"
        f" for {WSGI}, and left out of an application that has the interface {interface}"
        for name in names
    ]


class _Loaded:
    """Applies a middleware; its module is imported then."""

    def __init__(self, item: Middleware) -> None:
        self._item = item

    def __call__(self, app: object) -> object:
        target: object = self._item.target
        if isinstance(target, str):
            try:
                target = load_target(target)
            except PluginError as error:
                raise AttributeError(str(error)) from None  # for the hook's error with the plugin
        return cast("Callable[[object], object]", target)(app)


def _of_configuration(host: PluginHost, config: Config) -> list[_Found]:
    hook = host.hook.middlewares
    return [_Found(hook, plugin, item) for plugin, item in calling.collect(hook, config)]


def _of_worker(host: PluginHost, worker: Worker) -> list[_Found]:
    hook = host.hook.app_wrappers
    return [
        _Found(hook, plugin, item if isinstance(item, Middleware) else _of_function(item))
        for plugin, item in calling.collect(hook, worker)
    ]


def _of_function(function: Callable[..., object]) -> Middleware:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return Middleware(f"{function.__module__}.{name}", function)


def _left_out(found: list[_Found], interface: str) -> Iterator[str]:
    """A line for each; none where the plugin has one of the same name for that interface."""
    fitting = {(plugin, item.name) for _, plugin, item in found if interface in item.interfaces}
    for _, plugin, item in found:
        if interface not in item.interfaces and (plugin, item.name) not in fitting:
            yield (
                f"the middleware {item.name} of plugin '{plugin}' is for"
                f" {' and '.join(item.interfaces)} and left out: the application has the interface"
                f" {interface}"
            )
