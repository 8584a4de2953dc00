"""The access log through loggers of the standard library, for what is put on them.

Lines go to the sink directly unless a logger has a filter, a handler, a level or a formatter that
is not the server's.  A request that goes through a logger is a `RequestRecord`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import CodeType
from typing import Any, cast

from hookserve import AccessRecord
from hookserve_logging.escaping import quotable
from hookserve_logging.formats import ATOMS, FUNCTIONS
from hookserve_logging.line import Field, Log, Partial, Write

JSON_FORM = "%(json)s"
"""The message where the line is an object of JSON."""
_AS_THEY_ARE = ("CONTENT_TYPE", "CONTENT_LENGTH")


class LineHandler(logging.Handler):
    """Writes a message as a line of the access log."""

    is_access_log = True

    def __init__(self, write: Write, flush: Callable[[], object]) -> None:
        super().__init__()
        self._write = write
        self._flush = flush
        self._last: logging.LogRecord | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, once if two loggers pass it on.

        Lines of requests wait for `worker_idle`, as all do; no other line may wait for a fork.
        """
        if record is self._last:
            return
        self._last = record
        try:
            self._write(self.format(record))
        except Exception:  # a formatter is not ours
            self.handleError(record)
        if not isinstance(record, RequestRecord):
            self._flush()


def is_untouched(logger: logging.Logger, handler: LineHandler) -> bool:
    """Whether a line through the logger would be what the handler writes without it."""
    return (
        logger.handlers == [handler]
        and not (logger.filters or logger.propagate or handler.filters or handler.formatter)
        and logger.isEnabledFor(logging.INFO)
        and handler.level <= logging.INFO
    )


def log_through(
    loggers: Sequence[logging.Logger], form: str, make_line: Callable[[AccessRecord], str]
) -> Log:
    """A function that logs a request by each of the loggers; `make_line` makes its message."""
    form = JSON_FORM if form == "json" else form

    def log(record: AccessRecord) -> None:
        enabled = [logger for logger in loggers if logger.isEnabledFor(logging.INFO)]
        line = make_line(record) if enabled else ""
        for logger in enabled:
            logger.handle(_make_record(logger.name, form, line, record))

    return log


class RequestRecord(logging.LogRecord):
    """A request: its `msg` is the format, and its `args` are the fields by their letters, made when
    they are asked for."""

    __slots__ = ("_args", "_form", "_line", "_request")

    def __init__(self, name: str, form: str, line: str, request: AccessRecord) -> None:
        self._line = line
        self._form = form
        super().__init__(name, logging.INFO, __file__, 0, form, None, None, "access")
        self._request: AccessRecord | None = request

    @property
    def args(self) -> Any:  # Any: what a filter may put there
        """The fields (`Atoms`), which a filter may change."""
        if self._request is not None:
            self._args: object = Atoms(self._request, self._line)
            self._request = None
        return self._args

    @args.setter
    def args(self, value: object) -> None:
        self._request, self._args = None, value

    def getMessage(self) -> str:
        """The line; made anew where a filter has asked for the fields, or changed the format."""
        if self._request is not None and self.msg is self._form:
            return self._line
        return super().getMessage()


class Atoms(dict[str, Any]):
    """The fields of a line by the letters of the format, and ``{name}i``, ``{name}o`` and
    ``{name}e`` in lower case.  Text is escaped as in a line; what is missing is ``-``."""

    def __init__(self, record: AccessRecord, line: str) -> None:
        super().__init__(json=line)
        scope = {**FUNCTIONS, "record": record, "environ": Partial(record.environ)}
        day = time.localtime()
        for letter, part in ATOMS.items():
            if isinstance(part, Field):
                value = eval(_compiled(part.source), scope)
                text = format(value, part.form) if part.form else value
                self[letter] = part.convert(value) if part.convert else text
            else:
                self[letter] = part if isinstance(part, str) else part(day)
        self.update(_named("o", record.headers))
        for name, value in record.environ.items():
            self[f"{{{name.lower()}}}e"] = quotable(str(value))
            if name in _AS_THEY_ARE or name.startswith("HTTP_"):
                header = name.removeprefix("HTTP_").replace("_", "-").lower()
                self[f"{{{header}}}i"] = quotable(str(value))

    def __getitem__(self, name: str) -> Any:  # Any: text and numbers
        return super().get(name.lower() if name.startswith("{") else name, "-")


@cache
def _compiled(source: str) -> CodeType:
    return compile(source, "<field>", "eval")


def _named(kind: str, fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in fields:
        key = f"{{{name.lower()}}}{kind}"
        found[key] = f"{found[key]}, {quotable(value)}" if key in found else quotable(value)
    return found


def _make_record(name: str, form: str, line: str, request: AccessRecord) -> logging.LogRecord:
    """A record, of the class that the application has chosen, if it has."""
    factory = cast("type[logging.LogRecord]", logging.getLogRecordFactory())
    if factory is logging.LogRecord:
        return RequestRecord(name, form, line, request)
    atoms = Atoms(request, line)
    return factory(name, logging.INFO, __file__, 0, form, cast("Any", (atoms,)), None, "access")
