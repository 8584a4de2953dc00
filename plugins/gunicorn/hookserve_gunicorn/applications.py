"""gunicorn's classes for programs that embed the server."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any, cast

from hookserve import HookserveError
from hookserve.embedding import known_settings, serve
from hookserve_gunicorn.derivation import LOG_TABLES
from hookserve_gunicorn.standin.glogging import CONFIG_DEFAULTS

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
        """Call `load_config`; what is wrong ends the program with one line and the exit code 1."""
        try:
            self.load_config()
        except HookserveError as error:
            print(f"hookserve: {error}", file=sys.stderr)
            sys.exit(error.exit_code)

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

    def _serve(self, load: Callable[[], WSGI] | None, arguments: tuple[str, ...]) -> None:
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
    """Reads the command line and configuration files too, as the command does."""

    reads_files = True
    app_uri: str | None = None
    """``package.module:application``; `None`: the command line names the application."""

    def load(self) -> WSGI:
        """The application that `app_uri` names."""
        return cast("WSGI", resolve_name(str(self.app_uri)))

    def run(self) -> None:
        """Serve until told to stop."""
        loads = type(self).load is not Application.load or self.app_uri is not None
        self._serve(self.load if loads else None, tuple(sys.argv[1:]))


class WSGIApplication(Application):
    """As `Application`."""
