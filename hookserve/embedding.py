"""Serving from a program: ``hookserve.run``, as the command ``hookserve`` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookserve.launch.assembly import Assembly
    from hookserve.types import WSGIApplication


def run(app: str | WSGIApplication, **settings: object) -> None:
    """Serve until told to stop (TERM, INT, QUIT), in this process and its workers.

    `app` is an application, or its name as on the command line (``"module:attribute"``).  A reload
    (HUP) imports a name again; an object stays as it is.  `settings` are settings by name, and
    functions under the names of hooks; they go before configuration files and the environment.

    To be called in the main thread, before any other thread is started.  What is wrong is printed
    in one line, and raises SystemExit with the exit code of the command.
    """
    if isinstance(app, str):
        serve({"wsgi_app": app, **settings})
    else:
        serve(settings, lambda: app)


def serve(
    settings: Mapping[str, object],
    load: Callable[[], WSGIApplication] | None = None,
    *,
    arguments: Sequence[str] = (),
    reads_files: bool = True,
    origin: str = "hookserve.run",
) -> None:
    """As `run`, for those that need more.

    `load` returns the application, in each worker, or in the arbiter with `preload_app`; without
    it the setting `wsgi_app` or the command line in `arguments` names one.  `reads_files` tells
    whether configuration files are read, and `origin` is what messages call the settings.
    """
    from hookserve.cli import main
    from hookserve.config.arguments import Arguments
    from hookserve.config.resolved import SettingsSource
    from hookserve.launch.embedded import Embedded, EmbeddedApplication
    from hookserve.system.streams import open_standard_streams

    app = None if load is None else EmbeddedApplication(load)
    named = {} if load is None else {"wsgi_app": f"{origin}:application"}
    embedded = Embedded(SettingsSource(origin, {**settings, **named}), app, reads_files)
    open_standard_streams()
    words = Arguments(arguments)
    code = main.exit_code_of(lambda: main.serve(words, os.environ, embedded))
    if code:
        sys.exit(code)


def read_configuration(arguments: Sequence[str]) -> Assembly:
    """What the command would start with, its worker model among what is installed; raises
    HookserveError."""
    from hookserve.launch.assembly import assemble
    from hookserve.plugins.selection import choose_worker

    made = assemble(list(arguments), os.environ)
    choose_worker(made.host, made.config.worker_class)
    return made


def read_line(arguments: Sequence[str]) -> tuple[str | None, Mapping[str, object]]:
    """The application that a command line names, if it names one, and the settings that it gives;
    raises UsageError."""
    from hookserve.config.arguments import Arguments, read
    from hookserve.launch.assembly import declare_settings, load_plugins

    words = Arguments(arguments)
    line = read(declare_settings(load_plugins(words, os.environ)), words, "command line")
    return line.application, line.source.values


def load_application(name: str) -> WSGIApplication:
    """The application of that name, as on the command line; raises AppNotFound, AppImportError."""
    from hookserve.launch.application import load_app

    return load_app(name)


def known_settings() -> dict[str, object]:
    """Every setting of the core and of the plugins that are installed, with its default."""
    from hookserve.launch.assembly import declare_settings, load_plugins

    table = declare_settings(load_plugins((), os.environ))
    return {each.setting.name: each.setting.default for each in table}
