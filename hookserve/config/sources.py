"""Where settings come from: files and the environment.

From the lowest to the highest: the defaults, ``PORT`` and ``WEB_CONCURRENCY``, ``[tool.hookserve]``
in pyproject.toml, hookserve.toml, the Python configuration file, ``HOOKSERVE_<NAME>``,
``HOOKSERVE_CMD_ARGS``, the command line.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping

from hookserve.config.resolved import SettingsSource
from hookserve.config.settings import SettingsTable, variable_of
from hookserve.errors import ConfigError
from hookserve.wording import describe, did_you_mean

DEFAULT_FILE = "hookserve.conf.py"

PREFIX = "HOOKSERVE_"
RESERVED = frozenset(
    {
        "HOOKSERVE_CMD_ARGS",
        "HOOKSERVE_HANDOVER",
        "HOOKSERVE_PLUGIN_AUTOLOAD",
        "HOOKSERVE_TRACE_HOOKS",
        "HOOKSERVE_WORKER_INDEX",
    }
)
"""Variables with our prefix that are not settings."""

# Kubernetes sets these in every pod for a service called hookserve, or hookserve-anything.
_SERVICE_LINK = re.compile(
    r"""HOOKSERVE_(\w+_)?(
        SERVICE_HOST | SERVICE_PORT(_\w+)?
        | PORT=(tcp|udp|sctp)://.*
        | PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?
    )(=.*)?""",
    re.VERBOSE,
)


def platform_source(environ: Mapping[str, str]) -> SettingsSource:
    """What hosting platforms set: ``PORT`` and ``WEB_CONCURRENCY``."""
    values: dict[str, object] = {}
    names: dict[str, str] = {}
    if environ.get("PORT"):
        values["bind"], names["bind"] = f"0.0.0.0:{environ['PORT']}", "PORT"
    if environ.get("WEB_CONCURRENCY"):
        values["workers"], names["workers"] = environ["WEB_CONCURRENCY"], "WEB_CONCURRENCY"
    return SettingsSource("environment", values, names)


def toml_sources(directory: str) -> list[SettingsSource]:
    """``[tool.hookserve]`` of pyproject.toml and hookserve.toml, as far as they exist.

    Raises ConfigError for a file that cannot be read or is not TOML.
    """
    sources = []
    shared = _read(directory, "pyproject.toml")
    if shared is not None and _NAMES_US.search(shared) is not None:
        tool = _parse("pyproject.toml", shared).get("tool", {})
        section = tool.get("hookserve") if isinstance(tool, dict) else None
        if section is not None:
            if not isinstance(section, dict):
                raise ConfigError("pyproject.toml: [tool.hookserve] is a table of settings")
            sources.append(SettingsSource("pyproject.toml", section))
    own = _read(directory, "hookserve.toml")
    if own is not None:
        sources.append(SettingsSource("hookserve.toml", _parse("hookserve.toml", own)))
    return sources


# Most projects have a pyproject.toml, few have settings of ours in it: the TOML parser is not worth
# its half megabyte then.  Our name as a key or in a table's header, well-formed or not; or an
# escape, which may hide it.
_NAMES_US = re.compile(rb"""hookserve["']?\s*[.=\]]|^\s*\[.*hookserve|\\[uU]""", re.MULTILINE)


def _read(directory: str, name: str) -> bytes | None:
    try:
        with open(os.path.join(directory, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}") from None


def _parse(name: str, text: bytes) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text.decode())
    except ValueError as error:  # it is not UTF-8, or not TOML
        raise ConfigError(f"{name} is not valid TOML: {error}") from None


def environment_source(
    table: SettingsTable,
    environ: Mapping[str, str],
    explain: Callable[[str], str | None] = lambda name: None,
) -> SettingsSource:
    """The variables ``HOOKSERVE_<NAME>``; raises ConfigError for one that is not a setting's.

    `explain` returns what to do about a setting that is not known, or `None`.
    """
    values: dict[str, object] = {}
    names: dict[str, str] = {}
    for variable, raw in environ.items():
        if not variable.startswith(PREFIX) or variable in RESERVED:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in table:
            values[name], names[name] = raw, variable
        elif not _SERVICE_LINK.fullmatch(f"{variable}={raw}"):
            known = {*map(variable_of, table.names()), *RESERVED}
            advice = explain(name)
            hint = f" ({advice})" if advice else did_you_mean(variable, known)
            raise ConfigError(f"the environment variable {variable} is not a setting{hint}")
    return SettingsSource("environment", values, names)


def find_python_file(given: str | None, start: str, others: Iterable[str] = ()) -> str | None:
    """The Python configuration file to read: the one given, else the one with the default name,
    else the first that is there under one of the other names.

    Those that are given or have other names are looked for in the directory `start`, where the
    command was typed, first; all but the other names in the working directory too.
    """
    at_start = "" if os.path.samefile(start, os.curdir) else start
    if given:
        typed = os.path.join(at_start, given.removeprefix("file:"))
        return typed if os.path.isfile(typed) else given
    names = [DEFAULT_FILE, *(os.path.join(at_start, name) for name in others)]
    return next(filter(os.path.isfile, names), None)


def foreign_file(path: str) -> str:
    """For root: whether others may write a file that was found and not named; one line, or empty.

    A user who may write it decides what root executes.
    """
    if os.geteuid() != 0:
        return ""
    found = os.stat(path)
    if found.st_uid != 0:
        reason = f"belongs to user {found.st_uid}"
    elif found.st_mode & 0o022:
        reason = "may be written by others than its owner"
    else:
        return ""
    return f"{path}: root reads it, and it {reason} (give it to root, or start as its owner)"


def execute_python_file(source: str) -> types.ModuleType:
    """Run a configuration file (``PATH``, ``file:PATH`` or ``python:MODULE``) afresh.

    Raises ConfigError with the exception and its line for anything that goes wrong.
    """
    if source.startswith("python:"):
        return _import_afresh(source.removeprefix("python:"))
    path = os.path.normpath(source.removeprefix("file:"))
    if path.endswith(".toml") and os.path.exists(path):
        name = "" if os.path.basename(path) == "hookserve.toml" else "call it hookserve.toml and "
        raise ConfigError(
            f"config: {path} is not a Python file: hookserve.toml is read from the working"
            f" directory without -c ({name}leave -c out; --chdir names another directory)"
        )
    module = types.ModuleType("__config__")
    module.__file__ = path
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
    except OSError as error:
        place = "" if os.path.isabs(path) else f" (in {os.getcwd()})"
        message = f"cannot read the configuration file {path}{place}: {error.strerror}"
        raise ConfigError(message) from None
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"the configuration file has a mistake: {describe(error)}") from None
    sys.modules["__config__"] = module
    try:
        exec(code, module.__dict__)
    except (Exception, SystemExit) as error:  # the file may raise anything
        raise ConfigError(f"the configuration file {path} failed: {describe(error)}") from error
    return module


def _import_afresh(name: str) -> types.ModuleType:
    sys.modules.pop(name, None)
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # the module may raise anything
        raise ConfigError(f"the configuration module {name} failed: {describe(error)}") from error
