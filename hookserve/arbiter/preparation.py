"""What an assembly needs before workers can be forked from it: classes, loggers, application."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from hookserve.arbiter.child import privilege_dropper
from hookserve.config.resolved import Config
from hookserve.errors import ConfigError, HookserveError, PluginError
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost
from hookserve.plugins.selection import (
    choose_logger,
    choose_protocols,
    choose_worker,
    claimed_workers,
)
from hookserve.plugins.target import load_target
from hookserve.protocol.seam import Protocol
from hookserve.types import WorkerType, WSGIApplication
from hookserve.wording import describe
from hookserve.worker.base import Worker
from hookserve.worker.interface import AUTO


class ServingClasses(NamedTuple):
    """The chosen worker model and protocol."""

    worker_type: WorkerType
    worker_class: type[Worker]
    protocol_classes: Mapping[str, type[Protocol]]
    """By the interface of the applications that it serves."""
    found_interface: str = AUTO
    """The application's, once that is known."""

    @property
    def protocol_class(self) -> type[Protocol]:
        """The protocol for the first interface that the model runs."""
        return next(iter(self.protocol_classes.values()))


def load_serving_classes(
    host: PluginHost, config: Config, found_interface: str = AUTO
) -> ServingClasses:
    """The worker model and the protocols that the configuration names, imported; where it names no
    model, one that runs the interface that was found of the application.

    Raises HookserveError in one line for a name that is not there, a plugin whose import fails,
    and a class that is not one; also for a user or group that is unknown.
    """
    privilege_dropper(config)
    worker_type = choose_worker(host, config.worker_class)
    wanted = config.interface if config.interface != AUTO else found_interface
    if wanted not in (AUTO, *worker_type.interfaces):
        worker_type = _choose_by_interface(host, config, worker_type, wanted)
    worker_class = _load(host, "worker", worker_type.name, worker_type.target, Worker)
    protocol_classes = {
        each.interface: _load(host, "protocol", each.name, each.target, Protocol)
        for each in choose_protocols(host, config.protocol, worker_type.interfaces)
    }
    return ServingClasses(
        worker_type,
        cast("type[Worker]", worker_class),
        cast("dict[str, type[Protocol]]", protocol_classes),
        found_interface,
    )


def _choose_by_interface(
    host: PluginHost, config: Config, named: WorkerType, interface: str
) -> WorkerType:
    """A model that runs that interface, where no source has named one; raises ConfigError."""
    found = [each for each, _ in claimed_workers(host) if interface in each.interfaces]
    if config.is_default("worker_class") and found:
        return found[0]
    if not found:
        known = sorted({name for each, _ in claimed_workers(host) for name in each.interfaces})
        raise ConfigError(
            f"no worker model runs applications of the interface '{interface}' (--interface takes"
            f" auto, {', '.join(known)})"
        )
    names = " or ".join(f"-k {each.name}" for each in found)
    raise ConfigError(
        f"the worker {named.name} does not run {interface} applications (leave -k out, or use"
        f" {names})"
    )


def register_loggers(host: PluginHost, config: Config) -> None:
    """Make the chosen loggers and register them as plugins; raises HookserveError."""
    for name in config.logger_class:
        logger_type = choose_logger(host, name)
        factory = cast(
            "Callable[..., object]", _load(host, "logger", name, logger_type.target, None)
        )
        try:
            takes_host = "host" in inspect.signature(factory).parameters
            logger = factory(config, host=host) if takes_host else factory(config)
        except HookserveError:
            raise
        except Exception as error:  # a logger may raise anything
            raise PluginError(f"logger '{name}' cannot start: {describe(error)}") from error
        host.register(logger, f"logger {name}")


def register_configured(host: PluginHost, config: Config) -> None:
    """Register the plugins that other plugins bring for this configuration; raises
    HookserveError."""
    found = calling.collect(host.hook.configured_plugins, config, host)
    for number, (owner, plugin) in enumerate(found, 1):
        host.register(plugin, f"{owner} (configured, {number})", owner)


def load_application(host: PluginHost, config: Config) -> WSGIApplication:
    """The application, in this process; raises HookserveError."""
    app = calling.fire(host.hook.load_app, config)
    if app is None:
        raise ConfigError("no plugin implements load_app, so there is no application")
    return cast("WSGIApplication", app)


def _load(host: PluginHost, kind: str, name: str, target: str, base: type | None) -> object:
    """What a plugin or a setting names; raises PluginError, with what a plugin knows of it."""
    fault = None
    try:
        found = _import(kind, name, target, base)
    except PluginError as error:
        found, fault = None, error
    if fault is not None or (base is None and isinstance(found, type)):
        advice = calling.ask(host.hook.explain_unknown, f"{kind} class", target)
        if advice is not None:
            raise PluginError(f"{kind} '{name}' {advice}") from fault
    if fault is not None:
        raise fault
    return found


def _import(kind: str, name: str, target: str, base: type | None) -> object:
    try:
        found = load_target(target)
    except PluginError as error:
        raise PluginError(f"{kind} '{name}': {error}") from None
    except (Exception, SystemExit) as error:  # a plugin's module may raise anything
        remedy = "mend or upgrade it"
        if isinstance(error, ModuleNotFoundError) and error.name:
            # A path that was typed may be misspelt: never name it as a package to install.
            is_own = f"{target.partition(':')[0]}.".startswith(f"{error.name}.")
            remedy = (
                "is it spelt right, and on the path?"
                if is_own
                else f"install what provides {error.name.partition('.')[0]}"
            )
        raise PluginError(
            f"{kind} '{name}' cannot be imported: {describe(error)} ({remedy})"
        ) from error
    if base is not None and not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(
            f"{kind} '{name}': {target} is not a subclass of {base.__module__}.{base.__name__}"
        )
    if isinstance(found, type) and inspect.isabstract(found):
        missing = ", ".join(sorted(vars(found)["__abstractmethods__"]))
        raise PluginError(f"{kind} '{name}': {target} is abstract (it does not define {missing})")
    return found
