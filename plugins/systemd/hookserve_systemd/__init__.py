"""Tells systemd what the server is doing: ready, reloading, stopping, alive.

notifier
    when the service manager is notified, and of what
manager
    its socket; sd_notify(3) without its library
"""

from __future__ import annotations

import os

from hookserve import hookimpl


@hookimpl
def configured_plugins() -> list[object]:
    """The notifier, when a service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return []
    from hookserve_systemd.manager import ServiceManager, watchdog_interval
    from hookserve_systemd.notifier import Notifier

    return [Notifier(ServiceManager(address), watchdog_interval(os.environ))]
