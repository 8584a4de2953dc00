"""``hookserve new KIND NAME``: reads the arguments, says what was written and what to try next.

Exit codes: 0 written; 1 the name is taken or the folder cannot be written; 2 the command line
cannot be understood, a name that cannot be one included.
"""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import NoReturn

from hookserve import HookserveError, UsageError
from hookserve.launch.names import find_owner
from hookserve.wording import did_you_mean
from hookserve_scaffold.project import INTERFACES, KINDS, Project

_SERVE = {
    "worker": "hookserve -k {name} shop.{interface}:application",
    "protocol": "hookserve --protocol {name} shop.lines:handle",
}
"""How what was written is used, by its kind."""
USAGE = "hookserve new KIND NAME [--interface wsgi|asgi] [--directory DIR]"


class _Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"new: {message} (usage: {USAGE})")


def run(arguments: list[str]) -> int:
    """Write a distribution; returns the exit code, raises HookserveError."""
    given = _parser().parse_args(arguments)
    kinds = ", ".join(KINDS)
    if given.kind is None:
        raise UsageError(f"new: a kind ({kinds}) and a name are needed (usage: {USAGE})")
    if given.kind not in KINDS:
        hint = did_you_mean(given.kind, KINDS)
        raise UsageError(f"new: there is no kind '{given.kind}', the kinds are: {kinds}{hint}")
    if given.name is None:
        raise UsageError(f"new: the {given.kind} needs a name (usage: {USAGE})")
    if given.interface and given.kind != "worker":
        raise UsageError(f"new: --interface is for a worker, a {given.kind} has none")
    interface = given.interface or INTERFACES[0]
    project = Project(given.kind, given.name, Path(given.directory), interface)
    _refuse_taken(project.name)
    written = project.write()
    print(f"wrote {project.folder}:")
    for path in written:
        print(f"  {path}")
    print("try next:")
    for command in _commands(project):
        print(f"  {command}")
    return 0


def _refuse_taken(name: str) -> None:
    """Raise HookserveError when another plugin has the name, or a worker that it may be taken
    for."""
    try:
        owner = find_owner(name, os.environ)
    except HookserveError as error:
        raise HookserveError(f"new: {error}") from error
    if owner is not None:
        raise HookserveError(f"new: {owner} (choose another name than {name})")


def _parser() -> _Parser:
    parser = _Parser(
        prog="hookserve new",
        usage=USAGE,
        description="Write a distribution to begin with: hookserve-NAME, tested and ready to run.",
        epilog="Exit codes: 0 written; 1 the name is taken, or the folder cannot be written;"
        " 2 the command line cannot be understood.",
        allow_abbrev=False,
    )
    parser.add_argument("kind", nargs="?", metavar="KIND", help=f"one of: {', '.join(KINDS)}")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="what -k, or --protocol, will be given",
    )
    parser.add_argument(
        "--interface",
        choices=INTERFACES,
        help="the interface of the applications that the worker runs [wsgi]",
    )
    parser.add_argument(
        "--directory", default=".", metavar="DIR", help="where to write hookserve-NAME [.]"
    )
    return parser


def _commands(project: Project) -> list[str]:
    # A path that begins like a path: pip takes anything else for a name.
    path = project.folder if project.folder.is_absolute() else f"./{project.folder}"
    return [
        f"pip install -e {shlex.quote(f'{path}[test]')}",
        f"pytest {shlex.quote(str(path))}",
        _SERVE[project.kind].format(name=project.name, interface=project.interface),
    ]
