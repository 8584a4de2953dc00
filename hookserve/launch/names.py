"""Names that cannot be given to another plugin, worker or protocol, for commands that make one."""

from __future__ import annotations

from collections.abc import Mapping

from hookserve.errors import HookserveError
from hookserve.launch.assembly import load_plugins
from hookserve.plugins import calling
from hookserve.plugins.discovery import discover
from hookserve.plugins.distributions import normalized
from hookserve.plugins.selection import list_workers


def find_owner(name: str, environ: Mapping[str, str]) -> str | None:
    """Whose name it is: an installed plugin's, a worker's, a protocol's, or one of another server,
    in words such as ``the worker sync is hookserve's``; `None` when it is free.

    Hyphens and underscores are alike, as they are to pip.  Raises HookserveError when the workers
    cannot be listed.
    """
    wanted = normalized(name)
    host = load_plugins((), environ)
    try:
        rows = list_workers(host)
    except HookserveError as error:
        raise HookserveError(f"the workers cannot be listed: {error}") from error
    for row in rows:
        if normalized(row.name) == wanted:
            return f"the worker {row.name} is {row.distribution}'s"
    for candidate in discover():
        if normalized(candidate.name) == wanted:
            return f"the plugin {candidate.name} is {candidate.distribution}'s"
    for plugin, protocol in calling.collect(host.hook.protocol_types):
        if normalized(protocol.name) == wanted:
            return f"the protocol {protocol.name} is {host.record_of(plugin).distribution}'s"
    for spelling in (name, name.replace("-", "_")):
        advice = calling.ask(host.hook.explain_unknown, "worker", spelling)
        if advice is not None:
            return f"the worker {spelling} {advice}"
    return None
