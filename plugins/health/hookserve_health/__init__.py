"""Health checks that no application answers: live, ready, started; HAProxy's agent-check.

plugin
    what the arbiter and the workers do for one configuration
condition
    what is ready, live and started, and how many places are free
lookup
    whether the application's own checks are there
checks, shared_state
    the application's own checks; what is shared between the processes
service, conversation
    the auxiliary processes, of which one answers there and one runs the checks; what the first one
    is asked and says
advice
    what ``hookserve doctor`` says of it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hookserve import ConfigError, Setting, hookimpl
from hookserve.config.values import (
    Rejected,
    boolean,
    convert_each,
    interval,
    items,
    optional_text,
    positive,
    seconds,
    text,
)

if TYPE_CHECKING:
    from hookserve import Diagnosis
    from hookserve.config.resolved import Config


_SIGNS = "-._~!$&'()*+,;=:@/"
"""Beside letters and digits, what is never escaped in a path."""


def address(value: object) -> str | None:
    """An address to listen on, as `bind` takes it."""
    found = optional_text(value)
    if found is None:
        return None
    from hookserve.listeners.address import parse_address

    try:
        parse_address(found)
    except ConfigError as error:
        raise Rejected(str(error).removeprefix("bind: ")) from None
    return found


def prefix(value: object) -> str:
    """The beginning of a path, with a slash at both ends, of what is never escaped in one."""
    found = text(value)
    # What clients and proxies escape, resolve or merge has more than one form (RFC 3986, 6.2.2).
    first, *segments, last = found.split("/") if "/" in found else ("?", "?")
    is_plain = found.isascii() and all(each.isalnum() or each in _SIGNS for each in found)
    if first or last or not is_plain or {"", ".", ".."} & set(segments):
        raise ValueError(
            "expected a path with a slash at both ends, of letters, digits and -._~!$&'()*+,;=:@,"
            " as /-/"
        )
    return found


def targets(value: object) -> tuple[str, ...]:
    """Functions, each as ``module:function``."""
    found: tuple[str, ...] = convert_each(_target, items(value))
    return found


def _target(value: str) -> str:
    module, _, name = value.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
        raise ValueError("expected module:function")
    return value


_LISTENS = ("health_bind", "health_agent_bind")
ANY = ("health", *_LISTENS)
"""The settings that turn the plugin on."""

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "health",
        False,
        boolean,
        "answer /-/live, /-/ready and /-/startup at every address, before the application",
        switch=True,
        details="A worker answers them. Where each one is busy, they wait as any request does:"
        " `health_bind` is answered always.",
    ),
    Setting(
        "health_prefix",
        "/-/",
        prefix,
        "what the paths of the health checks begin with",
        metavar="PATH",
        needs=("health", "health_bind"),
    ),
    Setting(
        "health_bind",
        None,
        address,
        "answer the health checks at an address of their own, whatever the workers do",
        metavar="ADDRESS",
    ),
    Setting(
        "health_agent_bind",
        None,
        address,
        "answer HAProxy's agent-check at this address: ready, drain, and a weight by free places",
        metavar="ADDRESS",
    ),
    Setting(
        "health_min_workers",
        1,
        positive,
        "so many workers have to be ready for the server to be",
        needs=ANY,
    ),
    Setting(
        "health_check",
        (),
        targets,
        "a check of the application's own, module:function; repeatable",
        repeatable=True,
        metavar="TARGET",
        needs=ANY,
        details="It is called without arguments, as the user of the workers, in a process beside"
        " them that imports its module. It fails by raising, or by returning ``False``.",
    ),
    Setting(
        "health_check_interval",
        5.0,
        interval,
        "how often the application's checks are run",
        needs=("health_check",),
    ),
    Setting(
        "health_check_timeout",
        1.0,
        seconds,
        "how long one of them may take",
        needs=("health_check",),
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Where the server is asked, and what it takes to be ready."""
    return SETTINGS


@hookimpl
def configured_plugins(config: Config) -> Iterable[object]:
    """The health checks, where they are asked for."""
    if not any(config.get(name) for name in ANY):
        return []
    from hookserve.listeners.address import parse_address
    from hookserve.listeners.plugin_listeners import PluginListeners
    from hookserve_health.plugin import Health

    addresses = {
        name: PluginListeners(name, [parse_address(config.get(name))])
        for name in _LISTENS
        if config.get(name)
    }
    return [*addresses.values(), Health(config, addresses)]


@hookimpl
def diagnoses(config: Config) -> Iterable[Diagnosis]:
    """Whether a load balancer can see that the server stops, and that it ever is ready."""
    from hookserve_health.advice import advise

    return advise(config)
