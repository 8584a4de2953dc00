"""The commands of plugins: ``hookserve NAME ...``.

A command reads its own words.  One that asks for the configuration gets what a start would have,
from the same flags, files and variables; what is wrong with these is said as a start says it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import cast

from hookserve.config.arguments import Arguments
from hookserve.errors import PluginError, UsageError
from hookserve.launch.assembly import Assembly, assemble, enter_start, load_plugins
from hookserve.plugins.host import PluginHost
from hookserve.plugins.selection import claimed_commands
from hookserve.types import Command
from hookserve.wording import describe, did_you_mean


def find_command(words: Sequence[str], environ: Mapping[str, str]) -> Command | None:
    """The command that the first word names, if it names one.

    Raises UsageError for a word that is nearly one and is followed by another word, which no
    application is.
    """
    if not words[0].isidentifier():  # an application's name with a dot or a colon, or a flag
        return None
    host = load_plugins((), environ, on_demand=True)
    is_named = words[0] in host.command_names()
    host.load_command(words[0])
    commands = {command.name: command for command in claimed_commands(host)}
    if is_named and words[0] not in commands:
        raise PluginError(
            f"no plugin has the command '{words[0]}', which [hookserve.commands] of a distribution"
            " names (mend or upgrade it)"
        )
    if words[0] not in commands and len(words) > 1 and words[1][:1] != "-":
        hint = did_you_mean(words[0], {*commands, *host.command_names()})
        if hint:
            raise UsageError(f"'{words[0]}' is not a command{hint}")
    return commands.get(words[0])


def run_command(command: Command, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command with the words that follow its name; returns its exit code.

    Raises PluginError for one that cannot be imported or returns no exit code, what it raises
    itself, and for one that asks for the configuration whatever is wrong with that.
    """
    run = _load(command)
    code = _run_configured(run, words, environ) if _asks(run) else run(list(words))
    if not isinstance(code, int):
        raise PluginError(f"the command '{command.name}' returned {code!r}, not an exit code")
    return code


def _load(command: Command) -> Callable[..., object]:
    from hookserve.plugins.target import load_target

    try:
        return cast("Callable[..., object]", load_target(command.target))
    except Exception as error:  # a plugin's module may raise anything
        raise PluginError(
            f"the command '{command.name}' cannot be imported: {describe(error)} (mend or upgrade"
            " its plugin)"
        ) from error


def _asks(run: Callable[..., object], parameter: str = "config") -> bool:
    """Whether it has that parameter."""
    try:
        return parameter in inspect.signature(run).parameters
    except (TypeError, ValueError):
        return False


def _run_configured(
    run: Callable[..., object], words: Sequence[str], environ: Mapping[str, str]
) -> object:
    arguments = Arguments(words, is_of_command=True)
    enter_start(arguments, environ)
    assembly = assemble(arguments, environ)
    with ExitStack() as ends:
        more = {
            "host": assembly.host,
            "warnings": assembly.warnings,
            "check": partial(_check, assembly, ends),
        }
        given = {name: value for name, value in more.items() if _asks(run, name)}
        if "warnings" not in given:
            for warning in assembly.warnings:
                print(f"hookserve: warning: {warning}", file=sys.stderr)
        return run(list(assembly.line.others), config=assembly.config, **given)


def _check(assembly: Assembly, ends: ExitStack) -> None:
    from hookserve.launch.start import check_configuration, retire_plugins

    ends.callback(retire_plugins, assembly)
    check_configuration(assembly)


def print_commands(host: PluginHost) -> None:
    """Print the commands that there are, for ``--help``."""
    commands = claimed_commands(host)
    if commands:
        print("\ncommands:")
        for command in commands:
            print(f"  {command.name:<20}  {command.summary}")
