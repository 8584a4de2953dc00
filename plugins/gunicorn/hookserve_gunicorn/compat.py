"""``hookserve compat``: what a gunicorn configuration does here, and the same as hookserve.toml."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hookserve import UsageError
from hookserve.embedding import read_configuration
from hookserve_gunicorn.derivation import OF_ASGI
from hookserve_gunicorn.objects.names import hook_names

if TYPE_CHECKING:
    from hookserve import Setting
    from hookserve.config.resolved import Config
    from hookserve.launch.assembly import Assembly

ANY = ("",)
BLOCKING = ("sync", "gthread")
DEFAULTS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "keepalive": ("2", "an idle connection is kept for longer", ANY),
    "forwarded_allow_ips": (
        "127.0.0.1,::1",
        "what comes through a unix socket is trusted too",
        ANY,
    ),
    "threads": ("1", "more requests run at once", ("gthread",)),
    "buffer_bodies": ("off", "a request body is complete before the application runs", BLOCKING),
}
"""Settings with another default than gunicorn's, that default, what it means, and the models where
it counts."""
_WORKS = ("ssl_context", "gunicorn_logger", *OF_ASGI)
"""Settings of gunicorn's that have their effect here under another name."""
_SAME = ("root_path",)
"""Those that have it under their own."""
_COMMANDS = ("gunicorn", "hookserve")
_IN_FILE = "__config__:"
_UNDER_TABLES = "logconfig_defaults"
"""What gunicorn puts under a logging configuration: in hookserve.toml it has to be said."""
_IN_TOML = (bool, int, float, str, os.PathLike)
_NOT_IN_TOML = ("config", "gunicorn_logger")


def run(arguments: list[str]) -> int:
    """The command: ``compat FILE`` or ``compat -- ARGUMENTS OF GUNICORN``; returns 0.

    Raises HookserveError for what cannot start here.
    """
    parser = _Parser(
        prog="hookserve compat",
        description="What a gunicorn configuration does here: what works, what differs, what is"
        " ignored; and the same configuration as hookserve.toml.",
    )
    parser.add_argument("file", nargs="?", help="a gunicorn configuration file")
    parser.add_argument("line", nargs="*", help="after --: the arguments of a gunicorn command")
    given = parser.parse_args(arguments)
    words = list(given.line)
    if "--" in arguments and arguments[0] == "--":
        words = _without_command(arguments[1:])
    elif given.file:
        words = ["-c", given.file, *words]
    if not words:
        raise UsageError("compat: name a configuration file, or a command line after --")
    print("\n".join(report(read_configuration(words))))
    return 0


def _without_command(words: list[str]) -> list[str]:
    """The arguments of a command line, which may begin with the command."""
    if os.path.basename(words[0] if words else "") in _COMMANDS:
        return words[1:]
    return words[3:] if words[1:3] == ["-m", "gunicorn"] else words


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # it raises
        raise UsageError(f"compat: {message}")


def _settings(found: Assembly) -> Mapping[str, Setting]:
    return {each.setting.name: each.setting for each in found.table}


def report(found: Assembly) -> Iterator[str]:
    """The lines of the report."""
    config, settings = found.config, _settings(found)
    given = {name: settings[name] for name in config if config.was_given(name)}
    own = [name for name, each in given.items() if each.foreign is None or name in _SAME]
    ignored = [
        setting
        for name, setting in given.items()
        if setting.foreign is not None and name not in (*_WORKS, *_SAME)
    ]
    yield from _section("works", (f"{name} = {_shown(getattr(config, name))}" for name in own))
    hooks = _hooks()
    yield from _section("hooks", hooks)
    yield from _section("differs", _differences(found))
    yield from _section("ignored", (_loss(setting) for setting in ignored))
    yield "the same as hookserve.toml:"
    derived = [name for name in config if _is_in_effect(config, name) and name not in own]
    for name in [*own, *derived]:
        if name not in _NOT_IN_TOML:
            yield f"  {_assignment(config, name)}"
    if hooks:
        yield '  # the hooks stay in a Python file: config = "hookserve.conf.py"'


def _assignment(config: Config, name: str) -> str:
    """A line of TOML for a setting; a comment for what only a Python file can have."""
    value = getattr(config, name)
    if name == "logger_class" and config.get("gunicorn_logger"):
        value = config.gunicorn_logger
        value = value if value.startswith(_IN_FILE) else value.replace(":", ".")
    if str(value).startswith(_IN_FILE):
        return f"# the class of {name} stays in a Python file"
    others = dict.fromkeys(_not_toml(value))
    if others:
        return f"# {name} stays in a Python file: TOML cannot write {', '.join(others)}"
    return f"{name} = {_toml(value)}"


def _hooks() -> list[str]:
    """The hooks that the configuration file defines."""
    module = sys.modules.get("__config__")
    names = [*hook_names(), "ssl_context"]
    return [name for name in names if callable(getattr(module, name, None))]


def _section(title: str, lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    shown = [f"  {line}" for line in lines]
    if shown:
        yield f"{title}:"
        yield from shown
        yield ""


def _differences(found: Assembly) -> Iterator[str]:
    """Values that follow from others, other defaults, and warnings about what has an effect."""
    config, settings = found.config, _settings(found)
    for name in config:
        if _is_derived(config.origin(name)):
            yield f"{name} is {_shown(getattr(config, name))} because of {config.origin(name)}"
    for name, (theirs, meaning, models) in DEFAULTS.items():
        counts = models is ANY or config.worker_class in models
        if counts and name in config and not config.was_given(name):
            value = getattr(config, name)
            shown = "on" if value is None else _shown(value)
            yield f"{name} is {shown} by default, not {theirs}: {meaning}"
    losses = {setting.name for setting in settings.values() if setting.foreign is not None}
    for warning in found.warnings:
        if warning.partition(" ")[0] not in losses:
            yield warning


def _is_in_effect(config: Config, name: str) -> bool:
    """Whether the setting has a value that follows from others."""
    return _is_derived(config.origin(name)) or (name == _UNDER_TABLES and bool(config.get(name)))


def _is_derived(origin: str) -> bool:
    return "=" in origin


def _loss(setting: Setting) -> str:
    return f"{setting.name}: {setting.foreign or 'nothing is lost without it'}"


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _not_toml(value: object) -> Iterator[str]:
    """The names of classes, functions and objects in a value that TOML has no form for."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from _not_toml(each)
    elif not isinstance(value, _IN_TOML):
        yield getattr(value, "__qualname__", None) or getattr(value, "name", None) or repr(value)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(str(value))
