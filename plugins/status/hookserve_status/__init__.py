"""Shows what the server does, at an address of its own, and takes commands there.

address
    where the status is served: unix sockets and loopback ports
plugin, control
    the arbiter's side: the auxiliary process, and what it may ask of the arbiter
service, http_server, http_connection
    the auxiliary process: what it answers, over HTTP, and nothing of a worker
snapshot, samples, faults, stacks
    the whole server as one record; rates over time; what is wrong; what a worker was asked to write
processes, certificates
    what the kernel says of each process; when certificates expire
openmetrics, metrics
    a small registry that renders OpenMetrics; the server's own metrics
forms, text, page
    which form a client gets; the same for a terminal and for a browser
client, arguments, waiting, ctl, top, screen
    the commands
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import Command, Setting, hookimpl
from hookserve.config import values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hookserve.config.resolved import Config


def addresses(value: object) -> tuple[str, ...]:
    """``unix:PATH`` and ``HOST:PORT`` of this machine alone; a string separates them by commas."""
    found: tuple[str, ...] = values.addresses(value)
    if found:
        from hookserve_status.address import check

        values.convert_each(check, found)
    return found


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "status",
        (),
        addresses,
        "show the server's state at this address, and take commands there: unix:PATH, or"
        " 127.0.0.1:PORT to look only",
        metavar="ADDRESS",
        repeatable=True,
        details="A unix socket has the mode 0600: a user who may open it may use `hookserve ctl`."
        " Every user of the machine may open a port, so no command is taken there.",
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Where the status is."""
    return SETTINGS


@hookimpl
def commands() -> Iterable[Command]:
    """Commands that talk to a running server."""
    return (
        Command("ctl", "hookserve_status.ctl:run", "see and control a running server"),
        Command("top", "hookserve_status.top:run", "watch a running server in the terminal"),
    )


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """The status, when it has an address."""
    if not config.status:
        return []
    from hookserve.listeners.plugin_listeners import PluginListeners
    from hookserve_status.address import check
    from hookserve_status.plugin import StatusPlugin

    listeners = PluginListeners("status", map(check, config.status))
    return [listeners, StatusPlugin(config, listeners)]
