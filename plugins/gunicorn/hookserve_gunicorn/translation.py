"""gunicorn's values of settings that hookserve has too, where hookserve writes them otherwise."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hookserve import ConfigError, SettingValue
from hookserve.wording import describe

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost

FILE = "gunicorn.conf.py"
_OF_GUNICORN = (FILE, "GUNICORN_CMD_ARGS", "FORWARDED_ALLOW_IPS")
_CLASSES = ("worker_class", "logger_class")
_TRUSTING = ("forwarded_allow_ips", "proxy_allow_ips")
ADAPTER = "hookserve_gunicorn.logger_classes:make_logger"
_LOGGERS = (
    "simple",
    "egg:gunicorn#simple",
    "gunicorn.glogging.Logger",
    "gunicorn.instrument.statsd.Statsd",
)
"""gunicorn's own.  Metrics are asked for by the settings of statsd."""


def translate(
    values: Mapping[str, object], origin: str, host: PluginHost
) -> Iterator[SettingValue]:
    """The settings that have a value of gunicorn's, each with ours; raises ConfigError."""
    for name, value in values.items():
        if name == "logger_class" and isinstance(value, (list, tuple)) and len(value) == 1:
            value = value[0]  # of a flag, which may be given twice
        meant = _class_path(name, value, origin) if name in _CLASSES else value
        if meant is not value and str(meant).replace(":", ".") in _LOGGERS:
            yield SettingValue(name, "standard")
            continue
        if name == "logger_class" and _is_for_gunicorn(value):
            yield SettingValue("gunicorn_logger", meant)
            yield SettingValue(name, ADAPTER)
            continue
        if name == "worker_class" and isinstance(meant, str):
            from hookserve_gunicorn.classes import find_model

            meant = find_model(meant, host) or meant
        elif name in _TRUSTING and os.path.basename(origin) in _OF_GUNICORN:
            meant = _with_unix_sockets(meant)
        elif name == "sendfile" and origin == "SENDFILE":
            meant = str(value).lower() in ("y", "1", "yes", "true")
        elif name == "umask" and isinstance(value, str):
            yield from _umask(value, origin)
            continue
        elif name in _RULES:
            meant = _RULES[name](meant)
        if meant is not value:
            yield SettingValue(name, meant)


def is_of_gunicorn(origin: str) -> bool:
    """Whether a source is gunicorn's, or any Python file that does not have our own name."""
    name = os.path.basename(origin)
    is_other_file = name.endswith(".py") and name != "hookserve.conf.py"
    return name in _OF_GUNICORN or is_other_file or origin.startswith("python:")


def _class_path(name: str, value: Any, origin: str) -> object:  # Any: a file's
    """``module:Class`` for a class, or a function that returns one, as gunicorn takes them.

    A class that cannot be found by its own name is found by that of the setting, in the file.
    """
    if inspect.isroutine(value):
        try:
            value = value()
        except Exception as error:  # the file's own
            raise ConfigError(f"{name} ({origin}): its function raised {describe(error)}") from None
        if isinstance(value, type) and not _is_found(value):
            raise ConfigError(f"{name} ({origin}): {value.__qualname__} is local to its function")
    if not isinstance(value, type):
        return value
    if _is_found(value):
        return f"{value.__module__}:{value.__qualname__}"
    return f"__config__:{name}"


def _is_for_gunicorn(value: Any) -> bool:  # Any: a file's
    """Whether a logger is a class for gunicorn, or is named with dots alone, as gunicorn does."""
    if isinstance(value, str):
        return "." in value and ":" not in value and value not in _LOGGERS
    from hookserve_gunicorn.logger_classes import is_logger

    return is_logger(value() if inspect.isroutine(value) else value)


def _is_found(value: type) -> bool:
    found: Any = sys.modules.get(value.__module__)  # Any: a module, or what is in one
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _with_unix_sockets(value: object) -> object:
    """gunicorn believes every proxy that comes through a unix socket."""
    return f"{value},unix:" if isinstance(value, str) else value


def _logger(value: object) -> object:
    if not isinstance(value, str) or ":" in value.removeprefix("egg:"):
        return value
    return "standard" if value in _LOGGERS else value


def _proxy_protocol(value: object) -> object:
    if value is None:
        return None
    text = str(value).strip().lower()
    return {"false": "off", "0": "off", "none": "off", "true": "auto", "1": "auto"}.get(text, value)


def _umask(value: str, origin: str) -> Iterator[SettingValue]:
    """gunicorn reads a string as Python reads a number: ``22`` is decimal.  Digits that are octal
    as well may have been meant so: the origin says how they are read, and `read_as_decimal` finds
    it."""
    try:
        number = int(value, 0)
    except ValueError:
        return  # octal with a 0 in front, or no number
    could_be_octal = number > 7 and set(value.strip()) <= set("01234567")
    yield SettingValue("umask", number, f"{origin}{_DECIMAL}" if could_be_octal else "")


_DECIMAL = ", decimal"


def read_as_decimal(config: Config) -> Iterator[str]:
    """A warning about a mask whose digits may have been meant as octal."""
    origin = config.origin("umask")
    if origin.endswith(_DECIMAL):
        mask = config.umask
        yield (
            f"umask ({origin.removesuffix(_DECIMAL)}): {mask} is decimal, octal {mask:03o}, as in"
            f" gunicorn (write 0{mask} if it is octal)"
        )


def _instead_of(unlimited: tuple[object, ...], ours: object) -> Callable[[object], object]:
    return lambda value: ours if value in unlimited and value is not False else value


_RULES: dict[str, Callable[[object], object]] = {
    "backlog": _instead_of((0, "0"), 1),  # the shortest queue: listen(2) takes 0 too
    "logger_class": _logger,
    "loglevel": _instead_of(("",), None),
    "proxy_protocol": _proxy_protocol,
    "threads": _instead_of((0, "0"), None),
    "worker_connections": _instead_of((0, "0"), None),
}
"""`None` leaves the value out: the default counts."""
