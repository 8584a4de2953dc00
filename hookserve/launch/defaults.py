"""The core's own implementations of first-wins hooks; those of plugins come before them.

Registered in every process that loads plugins, listings too: so an implementation imports what it
needs when it is called, except what each worker would have to import for itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookserve.hookmarkers import hookimpl
from hookserve.launch.application import load_app as load_named_app

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
    from hookserve.types import WSGIApplication


NAME = "hookserve"
"""The name under which this module is registered as a plugin."""


@hookimpl(trylast=True)
def open_listeners(config: Config, inherited: Sequence[Listener]) -> Sequence[Listener]:
    """What `bind` says; inherited listeners that were handed over replace it entirely."""
    return open_configured(config, inherited)


def open_configured(
    config: Config, inherited: Sequence[Listener], is_dry_run: bool = False
) -> Sequence[Listener]:
    """As the hook `open_listeners`; raises ListenError and ConfigError."""
    from hookserve.listeners.address import parse_address
    from hookserve.listeners.listener import ListenerOptions
    from hookserve.listeners.opening import open_listeners as open_all
    from hookserve.system.privileges import resolve_group, resolve_user

    if inherited and config.is_default("bind"):
        return inherited
    uid, group_of_user = resolve_user(config.user) if config.user else (os.geteuid(), None)
    gid = resolve_group(config.group) if config.group else group_of_user
    options = ListenerOptions(
        backlog=config.backlog,
        reuse_port=config.reuse_port,
        defer_accept=config.defer_accept,
        user=uid if config.user else None,
        group=gid,
        umask=config.umask or 0,
        is_dry_run=is_dry_run,
    )
    return open_all([parse_address(text) for text in config.bind], options, inherited)


@hookimpl(trylast=True)
def load_app(config: Config) -> WSGIApplication:
    """What `wsgi_app` names."""
    return load_named_app(config.wsgi_app)
