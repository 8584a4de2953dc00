"""Which names cannot be given to another plugin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from hookserve import HookserveError
from hookserve.launch.assembly import load_plugins
from hookserve.plugins import calling
from hookserve.plugins.discovery import discover
from hookserve.plugins.distributions import normalized

if TYPE_CHECKING:
    from hookserve_scaffold.project import Project


def refuse_taken(project: Project) -> None:
    """Raise HookserveError when another plugin has the project's name, or a worker that it may
    be taken for; hyphens and underscores are alike, as they are to pip."""
    wanted = normalized(project.name)
    for row in _list_workers():
        if normalized(row["name"]) == wanted:
            raise _taken(f"the worker {row['name']}", f"is {row['distribution']}'s", project)
    for candidate in discover():
        if normalized(candidate.name) == wanted:
            raise _taken(f"the plugin {candidate.name}", f"is {candidate.distribution}'s", project)
    hook = load_plugins((), os.environ).hook
    for name in (project.name, project.name.replace("-", "_")):
        advice = calling.ask(hook.explain_unknown, "worker", name)
        if advice is not None:
            raise _taken(f"the worker {name}", str(advice), project)


def _taken(what: str, why: str, project: Project) -> HookserveError:
    return HookserveError(f"new: {what} {why} (choose another name than {project.name})")


def _list_workers() -> list[dict[str, str]]:
    """The workers that the command line lists, those that are not installed included."""
    command = [sys.executable, "-m", "hookserve", "--list-workers", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        last = result.stderr.strip().rpartition("\n")[2].removeprefix("hookserve: ")
        raise HookserveError(f"new: the workers cannot be listed: {last}")
    rows: list[dict[str, str]] = json.loads(result.stdout)
    return rows
