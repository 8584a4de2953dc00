"""The loggers of the server, which an application cannot silence.

What an application does to logging when it is imported is undone where it would lose lines: level,
handlers and filters of the server's loggers are those of before.  More handlers, a lower level and
propagation stay.  `logging.disable`, ``disabled`` and a record factory that raises have no effect
at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any


class ServerLogger(logging.Logger):
    """A logger of the server's, which nothing that is said of all loggers switches off.

    `logging.config.dictConfig` disables every logger that it does not name, unless it is told
    otherwise; most applications do not.
    """

    is_server_log = True

    @property
    def disabled(self) -> bool:
        """False."""
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        """Change nothing."""

    def isEnabledFor(self, level: int) -> bool:
        """By the logger's own level: `logging.disable` does not count."""
        return level >= self.getEffectiveLevel()

    def makeRecord(  # Any: as of logging
        self,
        name: str,
        level: int,
        fn: str,
        lno: int,
        msg: object,
        args: Any,
        exc_info: Any,
        func: str | None = None,
        extra: Any = None,
        sinfo: str | None = None,
    ) -> logging.LogRecord:
        """By the record factory; a plain record where that fails."""
        with suppress(Exception):  # the factory may be the application's
            made: object = super().makeRecord(
                name, level, fn, lno, msg, args, exc_info, func, extra, sinfo
            )
            if isinstance(made, logging.LogRecord):
                return made
        plain = logging.LogRecord(name, level, fn, lno, msg, args, exc_info, func, sinfo)
        vars(plain).update(extra or {})
        return plain

    def handle(self, record: logging.LogRecord) -> None:
        """As `logging.Logger.handle`; what a handler of the application raises stays there."""
        with suppress(Exception):
            super().handle(record)


@contextmanager
def kept(names: Sequence[str]) -> Iterator[None]:
    """While an application is loaded: afterwards the loggers of these names lose no line that they
    would have written before."""
    with ExitStack() as states:
        for name in names:
            states.callback(_State(name).restore)
        yield


class _State:
    """What decides which lines a logger writes, and where."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._level = self._logger.getEffectiveLevel()
        self._list = self._logger.handlers
        """The list itself: another logger may share it."""
        self._filters = self._logger.filters[:]
        self._handlers = [
            (each, each.level, each.filters[:]) for each in _handlers_of(self._logger)
        ]

    def restore(self) -> None:
        logger = self._logger
        logging.Logger.manager.loggerDict[logger.name] = logger
        if logger.getEffectiveLevel() > self._level:
            logger.setLevel(self._level)
        logger.filters = _without_verdicts(self._filters, logger.filters)
        for handler, level, filters in self._handlers:
            handler.setLevel(min(level, handler.level))
            handler.filters = _without_verdicts(filters, handler.filters)
        present = _handlers_of(logger)
        lost = [
            handler
            for handler, level, _ in self._handlers
            if handler not in present
            and not any(_replaces(each, handler, level) for each in present)
        ]
        self._list[:] = [*lost, *logger.handlers]
        logger.handlers = self._list


class _NoVerdict:
    """A filter that may change a record, and that cannot drop it."""

    def __init__(self, inner: Any) -> None:  # Any: a filter, or a function
        self._inner = inner

    def filter(self, record: logging.LogRecord) -> bool:
        """True."""
        with suppress(Exception):  # it is the application's
            getattr(self._inner, "filter", self._inner)(record)
        return True


def _without_verdicts(before: list[Any], after: list[Any]) -> list[Any]:  # Any: as above
    """The filters of before, then those that have been added."""
    return [*before, *(_NoVerdict(each) for each in after if each not in before)]


def _replaces(other: logging.Handler, handler: logging.Handler, level: int) -> bool:
    """Whether `other`, a plain one, writes every record of that level to the same file."""
    is_plain = type(other) in (logging.StreamHandler, logging.FileHandler) and not other.filters
    return is_plain and other.level <= level and _file_of(other) == _file_of(handler)


def _file_of(handler: logging.Handler) -> object:
    return getattr(handler, "baseFilename", None) or getattr(handler, "stream", handler)


def _handlers_of(logger: logging.Logger) -> list[logging.Handler]:
    """The handlers that get a record of the logger's."""
    found: list[logging.Handler] = []
    at: logging.Logger | None = logger
    while at is not None:
        found.extend(at.handlers)
        at = at.parent if at.propagate else None
    return found
