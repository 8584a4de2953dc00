"""The error log: the standard library's logging, set up once."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO, cast

from hookserve import ConfigError, hookimpl
from hookserve_logging import custom
from hookserve_logging.escaping import visible_lines
from hookserve_logging.files import NO_OWNER, Owner, open_log, owner_for
from hookserve_logging.server_logger import ServerLogger, kept
from hookserve_logging.wsgi_errors import ErrorStream

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.types import WSGIApplication
    from hookserve.worker.base import Worker
    from hookserve_logging.syslog import Syslog

NAME = "hookserve"
ACCESS_NAME = f"{NAME}.access"
"""The logger to which a configuration of `logging` gives the handlers of the access log."""
NOT_TO_SYSLOG = {"about_syslog": True}
"""The `extra` of records about syslog, which it does not get itself."""
_installed: list[logging.Handler] = []
"""The error log's handlers, beside which there may be a program's."""
_served_elsewhere: list[tuple[logging.Logger, list[logging.Handler]]] = []
"""Loggers of the access log that a configuration of `logging` has set up, and their handlers."""


class ReopeningHandler(logging.StreamHandler[Any]):  # Any: the stream is opened here
    """Writes each record at once, to a file that can be opened again, or to standard error."""

    def __init__(self, path: str, owner: Owner = NO_OWNER) -> None:
        self.path = path
        self._owner = owner
        super().__init__(sys.stderr if path == "-" else self._open())

    def reopen(self) -> None:
        """Open the file again, after it was moved; when that fails the old one stays, and says
        so."""
        if self.path == "-":
            return
        try:
            fresh = self._open()
        except ConfigError as error:
            logging.getLogger(NAME).error("%s; the old file stays in use", error)
            return
        with self.lock or _NoLock():
            old, self.stream = self.stream, fresh
        old.close()

    def close_file(self) -> None:
        """Close the file, if there is one.  `close` does not: `logging.config` closes every handler
        of the process when an application calls it."""
        self.close()
        if self.path != "-":
            self.stream.close()

    def capture_output(self) -> None:
        """Send what the process writes to its standard streams to the file, if there is one."""
        if self.path != "-":
            for descriptor in (1, 2):
                os.dup2(self.stream.fileno(), descriptor)

    def format(self, record: logging.LogRecord) -> str:
        """As text where a formatter of the application's fails."""
        try:
            return super().format(record)
        except Exception:  # it may raise anything
            return TextFormatter().format(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk or a stream that is gone must not harm the server: the record is lost."""

    def _open(self) -> Any:  # Any: a text file
        descriptor = open_log("errorlog", self.path, self._owner)
        return open(descriptor, "a", encoding="utf-8", errors="backslashreplace")


class _NoLock:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


class TextFormatter(logging.Formatter):
    """``[2026-01-31 12:00:00 +0000] [pid] [LEVEL] message``, and maybe a traceback.

    The text of an exception is the application's, or a client's: no line of it passes for a record.
    """

    def __init__(self) -> None:
        super().__init__(
            "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s", "%Y-%m-%d %H:%M:%S %z"
        )

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter.format`."""
        return visible_lines(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter.format`."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(record.created))
        entry = {
            "time": moment,
            "level": record.levelname.lower(),
            "severity": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        import json

        return json.dumps(entry, ensure_ascii=True)


class Installation:
    """The logging of one configuration: made aside, and installed when that takes effect.

    `names` and `access_names` are the loggers for errors and for requests whose records the
    handlers of a configuration of `logging` get; without `names` the error log stays where
    `errorlog` says.  `aliases` are all other names of the error log.  Raises ConfigError for a file
    that cannot be opened.
    """

    def __init__(
        self,
        config: Config,
        names: Sequence[str] = (),
        access_names: Sequence[str] = (),
        aliases: Sequence[str] = (),
    ) -> None:
        self._config = config
        self._names = names
        self._aliases = aliases
        self.access_names = access_names
        self._handlers: list[logging.Handler] = []
        if not names:
            handler = ReopeningHandler(config.errorlog, owner_for(config))
            is_json = config.error_log_format == "json"
            handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
            self._handlers.append(handler)
        self.syslog: Syslog | None = None
        if config.syslog:
            from hookserve_logging.syslog import Syslog

            self.syslog = Syslog(config)
            self._refuse_unseen_fault(self.syslog.fault)
            self._handlers.append(self.syslog.make_handler())

    def install(self) -> None:
        """Give the logger ``hookserve`` these handlers; raises ConfigError for a logging
        configuration that is wrong."""
        config = self._config
        logger = logging.getLogger(NAME)
        logger.__class__ = ServerLogger
        for handler in _installed:
            logger.removeHandler(handler)
        _release_loggers()
        others = logger.handlers[:]
        logger.setLevel(config.loglevel.upper())
        logger.propagate = False
        access = logging.getLogger(ACCESS_NAME)
        # Where it propagates, its lines are the root's, and no part of the error log.
        access.parent = logger.parent
        if custom.form_of(config):
            self._apply(logger)
        if ACCESS_NAME not in self.access_names:
            access.setLevel(logging.INFO)
            access.propagate = False
        for handler in self._handlers:
            logger.addHandler(handler)
            if isinstance(handler, ReopeningHandler) and config.capture_output:
                handler.capture_output()
        _installed[:] = [each for each in logger.handlers if each not in others]
        if self.syslog is not None and self.syslog.fault:
            logger.warning("%s; messages wait for it", self.syslog.fault, extra=NOT_TO_SYSLOG)

    def text_file(self) -> ReopeningHandler | None:
        """The handler of the error log's file, if lines of text go to one."""
        if self._names or self._config.error_log_format == "json":
            return None
        (handler, *_) = self._handlers
        assert isinstance(handler, ReopeningHandler)
        return handler if handler.path != "-" else None

    def _apply(self, logger: logging.Logger) -> None:
        """Apply the configuration of `logging`; what it says of the server's other names is true
        of `logger` too."""
        others = [logging.getLogger(name) for name in self._aliases]
        access = [logging.getLogger(name) for name in self.access_names]
        before = logger.level
        for loggers, level in ((others, before), (access, logging.INFO)):
            for each in loggers:
                each.propagate = False
                each.setLevel(level)
        custom.apply(self._config)
        for each in access:
            each.__class__ = ServerLogger
        for each in others:
            if each.getEffectiveLevel() != before:
                logger.setLevel(each.getEffectiveLevel())
        reached = [each for name in self._names if name != NAME for each in _reached_by(name)]
        for handler in (handler for each in reached for handler in each.handlers):
            if logging.root not in reached or handler not in logging.root.handlers:
                logger.addHandler(handler)
        if NAME not in self._names:
            logger.propagate = logging.root in reached
        _served_elsewhere[:] = [(each, each.handlers[:]) for each in access]

    def _refuse_unseen_fault(self, fault: str) -> None:
        """Raises ConfigError for a daemon that is not there, if that would be seen nowhere, or
        with `strict`."""
        config = self._config
        streams_are_gone = config.daemon and not config.enable_stdio_inheritance
        if fault and config.strict:
            raise ConfigError(f"{fault} (refused by --strict)")
        if fault and streams_are_gone and not self._names and config.errorlog == "-":
            raise ConfigError(f"{fault} (start it, or name a file with --error-logfile)")

    def close(self) -> None:
        """Close the handlers; nothing is logged with them any more."""
        if self.syslog is not None:
            self.syslog.close()
        for handler in self._handlers:
            logging.getLogger(NAME).removeHandler(handler)
            handler.close_file() if isinstance(handler, ReopeningHandler) else handler.close()


def reopen() -> None:
    """Open the files of every handler of every logger again."""
    for logger in [logging.getLogger(), *_loggers()]:
        for handler in logger.handlers:
            if isinstance(handler, ReopeningHandler):
                handler.reopen()
            elif isinstance(handler, logging.FileHandler) and handler.stream is not None:
                # Closed, it opens by itself with the next record.
                handler.acquire()
                try:
                    handler.stream.close()
                    handler.stream = handler._open()
                finally:
                    handler.release()


def _loggers() -> list[logging.Logger]:
    known = logging.Logger.manager.loggerDict.values()
    return [logger for logger in known if isinstance(logger, logging.Logger)]


def _release_loggers() -> None:
    """Have the loggers of the access log without what a configuration of `logging` gave them."""
    for logger, handlers in _served_elsewhere:
        logger.__class__ = logging.Logger
        for handler in handlers:
            logger.removeHandler(handler)
    _served_elsewhere.clear()


def _reached_by(name: str) -> Iterator[logging.Logger]:
    """The logger, and those that get its records by propagation."""
    at: logging.Logger | None = logging.getLogger(name)
    while at is not None:
        yield at
        at = at.parent if at.propagate else None


class ErrorLog:
    """Errors alone: nothing is called for a request."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        if installation.syslog is not None:
            self._write_later(installation.syslog.flush)

    def _write_later(self, flush: Callable[[], object]) -> None:
        """Add the hooks of a log whose lines may wait: `flush` writes them without blocking."""
        syslog = self._installation.syslog

        @hookimpl
        def write() -> None:
            flush()

        @hookimpl(trylast=True)
        def write_last() -> None:
            flush()
            if syslog is not None:
                syslog.close()

        self.worker_idle = write
        self.worker_exit = write_last
        if syslog is not None:
            # The daemon may come back while the arbiter has nothing to say.
            self.server_tick, self.on_exit = write, write_last

    @hookimpl(tryfirst=True)
    def post_fork(self, worker: Worker) -> None:
        """Have ``wsgi.errors`` written to the file that the errors go to, if they go to one."""
        handler = self._installation.text_file()
        if handler is not None:
            worker.errors = cast("TextIO", ErrorStream(handler))

    @hookimpl(wrapper=True, tryfirst=True)
    def load_app(self) -> Generator[None, WSGIApplication, WSGIApplication]:
        """Whatever the application does to logging when it is imported loses none of our lines."""
        with kept([NAME, *self._installation.access_names]):
            return (yield)

    @hookimpl
    def install_logs(self) -> None:
        """Make these handlers those of the error log."""
        self._installation.install()

    @hookimpl(trylast=True)  # what others raise there is logged
    def retired(self) -> None:
        """Close the files."""
        self._installation.close()

    @hookimpl
    def reopen_logs(self) -> None:
        """Open the files again."""
        reopen()
