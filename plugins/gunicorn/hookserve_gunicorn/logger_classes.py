"""Logger classes that are written for gunicorn, as loggers of this server."""

from __future__ import annotations

import logging
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hookserve import AccessRecord, ConfigError, hookimpl
from hookserve.wording import describe
from hookserve_gunicorn.objects.configuration import Config
from hookserve_gunicorn.objects.request import path_of
from hookserve_gunicorn.standin import standing_in

if TYPE_CHECKING:
    from hookserve.config.resolved import Config as NativeConfig

_METHODS = ("setup", "access", "critical", "error", "warning", "info", "debug", "exception")
_ABSENT = ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL", "PATH_INFO", "QUERY_STRING")
"""What the environ of a refused request may lack."""


def is_logger(found: object) -> bool:
    """Whether it is a class with the methods of gunicorn's ``Logger``."""
    return isinstance(found, type) and all(hasattr(found, name) for name in _METHODS)


def make_logger(config: NativeConfig) -> Any:  # Any: a plugin
    """The logger of the class that `gunicorn_logger` names; raises ConfigError.

    What is not a class for gunicorn is a factory of ours, called with the configuration.
    """
    target: str = config.gunicorn_logger or ""
    if not target:
        raise ConfigError("logger_class: name a class (logger_class = 'package.module.Class')")
    module, name = target.partition(":")[::2] if ":" in target else target.rpartition(".")[::2]
    try:
        with standing_in():
            found: Any = import_module(module)  # Any: a module, or what is in one
            for part in name.split("."):
                found = getattr(found, part)
    except Exception as error:  # the class's module may raise anything
        raise ConfigError(f"logger_class: cannot import {target}: {describe(error)}") from error
    if is_logger(found):
        return LoggerAdapter(found, config)
    if not callable(found):
        raise ConfigError(f"logger_class: {target} is not a class")
    return found(config)


class LoggerAdapter:
    """A plugin: the server's logger ``hookserve`` and the access records go to the class."""

    def __init__(self, kind: Any, config: NativeConfig) -> None:  # Any: a Logger class
        self._kind = kind
        self._cfg = Config(config, None)
        self._logger: Any = None  # Any: an instance of it
        self._own = logging.getLogger("hookserve")
        self._forward: Forward | None = None

    @hookimpl
    def install_logs(self) -> None:
        """Make the logger, and send it what the server logs."""
        try:
            self._logger = self._kind(self._cfg)
        except Exception as error:  # the class is not ours
            raise ConfigError(
                f"logger_class: {self._kind.__qualname__} raised {describe(error)}"
            ) from error
        own = self._own
        for handler in own.handlers[:]:
            own.removeHandler(handler)
        own.propagate = False
        own.setLevel(self._logger.error_log.getEffectiveLevel())
        self._forward = Forward(self._logger)
        own.addHandler(self._forward)

    @hookimpl
    def log_access(self, record: AccessRecord) -> None:
        """Log a request that is over."""
        environ = record.environ
        if "RAW_URI" not in environ or record.request_line:
            environ = {**dict.fromkeys(_ABSENT, "-"), **environ}
            words = record.request_line.split(" ")
            if len(words) == 3:
                environ.update(zip(_ABSENT, words, strict=False))
        elapsed = timedelta(seconds=record.elapsed)
        self._logger.access(_Response(record), _Request(environ), environ, elapsed)

    @hookimpl
    def retired(self) -> None:
        """Another logger is installed."""
        if self._forward is not None:
            self._own.removeHandler(self._forward)

    @hookimpl
    def reopen_logs(self) -> None:
        """Open the files again."""
        self._logger.reopen_files()


class Forward(logging.Handler):
    """Calls the method of the record's level; `exception` for an error with an exception."""

    is_forward = True

    def __init__(self, logger: Any) -> None:  # Any: an instance of a Logger class
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        try:
            is_exception = record.levelno == logging.ERROR and record.exc_info
            name = "exception" if is_exception else record.levelname.lower()
            log = getattr(self._logger, name)
            log("%s", record.getMessage(), exc_info=record.exc_info)
        except Exception:  # the class is not ours
            self.handleError(record)


class _Request:
    """``req`` of `access`."""

    def __init__(self, environ: dict[str, Any]) -> None:  # Any: PEP 3333
        self._environ = environ
        self.method = environ["REQUEST_METHOD"]
        self.uri = environ["RAW_URI"]
        self.path = path_of(environ["RAW_URI"])
        self.query = environ["QUERY_STRING"]

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in upper case with hyphens."""
        fields = self._environ.items()
        found = [(key[5:].replace("_", "-"), value) for key, value in fields if key[:5] == "HTTP_"]
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if key in self._environ:
                found.append((key.replace("_", "-"), self._environ[key]))
        return found


class _Response:
    """``resp`` of `access`."""

    def __init__(self, record: AccessRecord) -> None:
        self.status_code = record.status_code
        self.status = getattr(record, "status", "") or (str(record.status_code or "") or None)
        self.headers = record.headers
        self.sent = record.sent
        lengths = [value for name, value in record.headers if name.lower() == "content-length"]
        self.response_length = int(lengths[0]) if lengths and lengths[0].isdecimal() else None
