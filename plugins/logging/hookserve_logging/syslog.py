"""Both logs to syslog.

The server does not depend on the daemon: it starts without it, never waits for it, and sends to it
when it is back.  Each outage is reported once in the error log, in each process that notices it.
"""

from __future__ import annotations

import _socket
import logging
import logging.handlers
import sys
from collections.abc import Callable
from os import getpid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hookserve import ConfigError
from hookserve.system.calls import getaddrinfo
from hookserve_logging.delivery import Delivery
from hookserve_logging.errorlog import NAME, NOT_TO_SYSLOG
from hookserve_logging.escaping import visible, visible_lines
from hookserve_logging.link import Target

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_CONNECT_LIMIT = 2.0
"""Seconds that a start waits for a daemon behind TCP."""
_INFO = 6
"""The severity of a line of the access log (RFC 5424, 6.2.1)."""
_SEVERITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, _INFO),
)


class Syslog:
    """The daemon at `syslog_addr`, for both logs; raises ConfigError for what is no address."""

    def __init__(self, config: Config) -> None:
        self._address: str = config.syslog_addr
        codes = logging.handlers.SysLogHandler.facility_names
        facility = codes.get(config.syslog_facility.lower())
        if facility is None:
            raise ConfigError(f"syslog_facility: there is no '{config.syslog_facility}'")
        self._facility = facility
        self._sends_json = config.access_log_format == "json"
        self._program: str = config.syslog_program
        if config.syslog_prefix:
            self._program = f"{self._program}.{config.syslog_prefix}"
        targets = _targets(self._address)
        self._clean = visible if targets[0].kind == _socket.SOCK_STREAM else visible_lines
        self._delivery = Delivery(targets, self._report)
        self.flush = self._delivery.flush
        """Send what waits, if anything does; does not block."""
        self.close = self._delivery.close
        """Send what can still be sent, and close."""
        self.fault = ""
        """Why it cannot be reached; empty if it was at the start."""
        reason = self._delivery.connect(_CONNECT_LIMIT)
        if reason:
            self.fault = f"syslog_addr: {self._address} cannot be reached: {reason}"

    def make_handler(self) -> logging.Handler:
        """A handler for the error log."""
        handler = _Handler(self._send_record)
        handler.setFormatter(logging.Formatter("[%(process)d] %(message)s"))
        return handler

    def make_writer(self) -> Callable[[str], None]:
        """A function that sends a line of the access log.

        A line of text has the process id before it; an object of JSON has it inside.
        """
        begin = f"{self._begin(_INFO)}{self._program}.access: "
        send = self._delivery.send

        def write_object(line: str) -> None:
            send(f"{begin}{line}".encode("utf-8", "replace"))

        def write(line: str) -> None:
            write_object(f"[{getpid()}] {line}")

        return write_object if self._sends_json else write

    def _send_record(self, level: int, text: str) -> None:
        severity = next((each for least, each in _SEVERITIES if level >= least), 7)
        message = f"{self._begin(severity)}{self._program}.error: {self._clean(text)}"
        self._delivery.send(message.encode("utf-8", "replace"))

    def _begin(self, severity: int) -> str:
        return f"<{self._facility << 3 | severity}>"

    def _report(self, text: str) -> None:
        """Say what becomes of the messages, in the log that syslog is beside."""
        logger = logging.getLogger(NAME)
        message = f"syslog_addr: {self._address} {text}"
        if _is_seen(logger):
            logger.error("%s", message, extra=NOT_TO_SYSLOG)
        else:
            print(f"hookserve: {message}", file=sys.stderr)


class _Handler(logging.Handler):
    """Gives level and text of each record to a function."""

    def __init__(self, send: Callable[[int, str], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """As `logging.Handler.emit`."""
        if not NOT_TO_SYSLOG.keys() <= vars(record).keys():
            self._send(record.levelno, self.format(record))


def _is_seen(logger: logging.Logger) -> bool:
    """Whether its records go anywhere else."""
    found: logging.Logger | None = logger
    while found is not None:
        if any(not isinstance(each, _Handler) for each in found.handlers):
            return True
        found = found.parent if found.propagate else None
    return False


def _targets(text: str) -> list[Target]:
    """The targets of an address; raises ConfigError."""
    url = urlsplit(text)
    if url.scheme == "unix":
        if url.fragment == "stream":
            # As syslog(3) of glibc ends its messages.
            return [Target(_socket.AF_UNIX, _socket.SOCK_STREAM, url.path, b"\0")]
        return [Target(_socket.AF_UNIX, _socket.SOCK_DGRAM, url.path)]
    if url.scheme not in ("udp", "tcp"):
        raise ConfigError(f"syslog_addr: '{text}' is not an address (udp://HOST:PORT)")
    is_stream = url.scheme == "tcp"
    kind, end = (_socket.SOCK_STREAM, b"\n") if is_stream else (_socket.SOCK_DGRAM, b"")
    try:
        found = getaddrinfo(url.hostname or "localhost", url.port or 514, 0, kind)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"syslog_addr: cannot resolve {text}: {reason}") from None
    # RFC 6587, 3.4.2: a line feed ends a message in a stream.
    return [Target(family, kind, address, end) for family, _, _, _, address in found]
