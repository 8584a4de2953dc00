"""gunicorn's classes for programs that embed the server."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hookserve import ConfigError, HookserveError, UsageError
from hookserve.embedding import known_settings, load_application, read_line, serve
from hookserve.wording import describe
from hookserve_gunicorn.derivation import LOG_TABLES
from hookserve_gunicorn.standin.glogging import CONFIG_DEFAULTS

if TYPE_CHECKING:
    from argparse import ArgumentParser

WSGI = Callable[..., Any]  # Any: as PEP 3333


class Settings:
    """``self.cfg`` of an application: what `load_config` sets."""

    def __init__(self) -> None:
        from hookserve_gunicorn.objects.configuration import ABSENT, SettingView
        from hookserve_gunicorn.objects.names import GUNICORN_HOOKS, hook_names, no_hook

        hooks = dict.fromkeys([*GUNICORN_HOOKS, *hook_names()], no_hook)
        defaults: dict[str, object] = {**ABSENT, **known_settings(), **hooks}
        self.settings: dict[str, SettingView] = {
            name: SettingView(name, value, value) for name, value in defaults.items()
        }
        """Every setting and every hook by name."""
        self.values: dict[str, object] = {}
        """What was set."""

    def set(self, name: str, value: object) -> None:
        """Give a setting, or a hook, its value; it is checked when the server starts.

        Raises AttributeError for an unknown name, as gunicorn does.
        """
        if name not in self.settings:
            raise AttributeError(f"No configuration setting for: {name}")
        self.values[name] = value
        self.settings[name] = self.settings[name]._replace(value=value)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_") or name not in self.settings:
            raise AttributeError(f"No configuration setting for: {name}")
        return self.settings[name].value


class BaseApplication:
    """A server in a program; derive from it: `load_config` sets, `load` returns the application."""

    reads_files = False
    """Whether configuration files are read."""

    def __init__(self, usage: str | None = None, prog: str | None = None) -> None:
        self.usage, self.prog = usage, prog
        self.cfg = Settings()
        self.callable: WSGI | None = None
        self.do_load_config()

    def do_load_config(self) -> None:
        """Call `load_config`; what is wrong ends the program with one line and its exit code."""
        try:
            self.load_config()
        except Exception as error:  # `load_config` is not ours
            print(f"hookserve: {describe(error)}", file=sys.stderr)
            sys.exit(error.exit_code if isinstance(error, HookserveError) else 1)

    def load_config(self) -> None:
        """Set settings: ``self.cfg.set(name, value)``."""

    def load(self) -> WSGI:
        """The WSGI application; called in each worker, or in the arbiter with `preload_app`."""
        raise NotImplementedError

    def wsgi(self) -> WSGI:
        """The application, loaded once."""
        if self.callable is None:
            self.callable = self.load()
        return self.callable

    def run(self) -> None:
        """Serve until told to stop."""
        self._serve(self.load, ())

    def _serve(self, load: Callable[[], WSGI] | None, arguments: Sequence[str]) -> None:
        values = {name: value for name, value in self.cfg.values.items() if value is not None}
        if not values.keys().isdisjoint(LOG_TABLES):
            values.setdefault("logconfig_defaults", CONFIG_DEFAULTS)
        serve(
            values,
            load,
            arguments=arguments,
            reads_files=self.reads_files,
            origin=type(self).__name__,
        )


class Application(BaseApplication):
    """Reads the command line and configuration files too, as the command does; a class that has a
    `load_config` of its own, and does not call this one, reads neither, as in gunicorn."""

    app_uri: str | None = None
    """``package.module:application``; `None`: the command line names the application."""
    _arguments: tuple[str, ...] = ()

    def load_config(self) -> None:
        """Have the command line and files read; now it is read for `app_uri` and `init` alone."""
        self.reads_files, self._arguments = True, tuple(sys.argv[1:])
        try:
            named, given = read_line(self._arguments)
            if type(self).init is Application.init:
                self.app_uri = named or self.app_uri
                return
            variable = shlex.split(os.environ.get("GUNICORN_CMD_ARGS", ""))
            above = {*given, *read_line(variable)[1]}
        except (UsageError, ValueError):
            return  # `run` says more of it
        from argparse import ArgumentParser

        opts = SimpleNamespace(**{**dict.fromkeys(self.cfg.settings), **given})
        parser = ArgumentParser(prog=self.prog, usage=self.usage)
        for name, value in (self.init(parser, opts, [named] if named else []) or {}).items():
            if name.lower() not in above:
                self.cfg.set(name.lower(), value)

    def load_config_from_module_name_or_filename(self, location: str) -> None:
        """Have that configuration file read, as after ``-c``, when it runs."""
        self.reads_files = True
        self.cfg.set("config", location)

    def load_config_from_file(self, filename: str) -> None:
        """As `load_config_from_module_name_or_filename`."""
        self.load_config_from_module_name_or_filename(filename)

    def init(
        self, parser: ArgumentParser, opts: SimpleNamespace, args: Sequence[str]
    ) -> Mapping[str, object] | None:
        """Settings below the command line's, by name; `opts` has what the command line gives, and
        `args` the application that it names."""
        self.app_uri = args[0] if args else self.app_uri
        return None

    def load(self) -> WSGI:
        """The application that `app_uri` names."""
        if self.app_uri is None:
            raise ConfigError("no application: name one on the command line, or set app_uri")
        return load_application(self.app_uri)

    def run(self) -> None:
        """Serve until told to stop."""
        if type(self).load is not Application.load:
            self._serve(self.load, self._arguments)
            return
        if self.app_uri is not None and self.app_uri not in self._arguments:
            self.cfg.values.setdefault("wsgi_app", self.app_uri)
        self._serve(None, self._arguments)


class WSGIApplication(Application):
    """As `Application`."""

    def load_wsgiapp(self) -> WSGI:
        """The application that `app_uri` names."""
        return Application.load(self)


def run(prog: str | None = None) -> None:
    """Serve what the command line says, as ``gunicorn.app.wsgiapp.run``."""
    WSGIApplication(prog=prog).run()
