"""The ``hookserve`` command: listings, checks, commands of plugins, and serving.

Exit codes: 0 done; 1 a setting, a plugin or an address is wrong; 2 the command line cannot be
understood; 3 a worker failed to boot; 4 the application is not there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from hookserve import __version__
from hookserve.cli.commands import find_command, print_commands, run_command
from hookserve.config.arguments import Arguments, read
from hookserve.config.settings import SettingsTable
from hookserve.errors import HookserveError, UsageError
from hookserve.launch.assembly import (
    Assembly,
    declare_settings,
    load_plugins,
)
from hookserve.launch.embedded import NOTHING_EMBEDDED, Embedded
from hookserve.plugins.host import PluginHost

if TYPE_CHECKING:
    from hookserve.arbiter.handover import Handover

LISTING_FLAGS = frozenset({"--list-workers", "--list-plugins", "--explain-hooks"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and prints one line for an error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return exit_code_of(lambda: _run(words, os.environ))


def exit_code_of(run: Callable[[], int]) -> int:
    """Call it; for an error print its one line.  Returns the exit code of the process."""
    try:
        return run()
    except HookserveError as error:
        sys.stdout.flush()
        print(f"hookserve: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a listing has gone, as `| head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(words: list[str], environ: Mapping[str, str]) -> int:
    if words:
        command = find_command(words, environ)
        if command is not None:  # its flags are its own, --help included
            return run_command(command, words[1:], environ)
    return serve(Arguments(words), environ)


def _list(arguments: Arguments, environ: Mapping[str, str]) -> int:
    """Print a listing: it needs the plugins and no configuration.  Returns 0 always."""
    from hookserve.cli import listings

    with redirect_stdout(sys.stderr):  # what a plugin prints is not part of a listing
        host = load_plugins(arguments, environ)
        actions = read(_declared(host), arguments, "command line").actions
    as_json = "json" in actions
    if "list_workers" in actions:
        print(listings.workers(host, as_json, "version" in actions))
    elif "list_plugins" in actions:
        print(listings.plugins(host, as_json, "version" in actions))
    else:
        print(listings.hooks(host, str(actions["explain_hooks"]) or None, as_json))
    return 0


def _declared(host: PluginHost) -> SettingsTable:
    """All settings; without those of plugins when one of these is at fault, for the listings are
    what finds it."""
    try:
        return declare_settings(host)
    except HookserveError as error:
        print(f"hookserve: warning: {error}", file=sys.stderr)
        return SettingsTable()


def serve(
    arguments: Arguments, environ: Mapping[str, str], embedded: Embedded = NOTHING_EMBEDDED
) -> int:
    """Serve until told to stop, or do what the flags say instead; raises HookserveError.

    Returns 0.
    """
    if arguments.flags & LISTING_FLAGS:
        return _list(arguments, environ)
    if arguments.flags & {"-v", "--version"}:
        print(f"hookserve {__version__}")
        return 0
    if arguments.flags & {"-h", "--help"}:
        from hookserve.config.parser import build_parser

        host = load_plugins(arguments, environ)
        build_parser(declare_settings(host)).print_help()
        print_commands(host)
        return 0
    return _start(arguments, environ, embedded)


def _start(arguments: Arguments, environ: Mapping[str, str], embedded: Embedded) -> int:
    """Prepare a server, and serve, or show or check what was prepared.  Returns 0."""
    from hookserve.launch import start
    from hookserve.launch.assembly import require_application

    prepared = start.prepare(arguments, environ, embedded)
    assembly = prepared.assembly
    if "print_config" in assembly.line.actions:
        from hookserve.cli import listings

        print(listings.config(assembly, "json" in assembly.line.actions))
        return 0
    if "json" in assembly.line.actions:
        raise UsageError("--json: it goes with a listing, or with --print-config")
    require_application(assembly.host, assembly.config)
    if "check_config" in assembly.line.actions:
        return _check(assembly, prepared.handover)
    start.serve(*prepared)
    return 0


def _check(assembly: Assembly, handover: Handover) -> int:
    """Everything that a start would do short of listening and forking; in the dry run of a re-exec
    there is a handover."""
    from hookserve.launch.start import retire_plugins

    try:
        _prepare(assembly, handover)
    finally:
        retire_plugins(assembly)
    print("the configuration is valid and the application can be loaded")
    return 0


def _prepare(assembly: Assembly, handover: Handover) -> None:
    """Prepare a start, and print the warnings; raises what the start would raise."""
    from hookserve.launch.start import check_configuration, pair_with, preload
    from hookserve.worker.middleware import find_left_out, find_unknown

    classes = check_configuration(assembly, handover)
    failures = [record.failure for record in assembly.host.failures()]
    for warning in (*failures, *assembly.warnings):
        print(f"hookserve: warning: {warning}", file=sys.stderr)
    classes = pair_with(preload(assembly, classes), assembly, classes)
    host, interface = assembly.host, classes.found_interface
    for line in (
        *find_left_out(host, assembly.config, interface),
        *find_unknown(host, interface),
        *assembly.unhonoured_by(classes.worker_type),
    ):
        print(f"hookserve: warning: {line}", file=sys.stderr)
