"""Both logs to syslog."""

from __future__ import annotations

import logging
import logging.handlers
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hookserve import ConfigError

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def make_handler(config: Config, program: str) -> logging.Handler:
    """A handler that sends to `syslog_addr`; raises ConfigError."""
    url = urlsplit(config.syslog_addr)
    address: str | tuple[str, int]
    kind = socket.SOCK_DGRAM
    if url.scheme == "unix":
        address = url.path
        kind = socket.SOCK_STREAM if url.fragment == "stream" else socket.SOCK_DGRAM
    elif url.scheme in ("udp", "tcp"):
        address = (url.hostname or "localhost", url.port or 514)
        kind = socket.SOCK_STREAM if url.scheme == "tcp" else socket.SOCK_DGRAM
    else:
        raise ConfigError(
            f"syslog_addr: '{config.syslog_addr}' is not an address (udp://HOST:PORT)"
        )
    try:
        facility = logging.handlers.SysLogHandler.facility_names[config.syslog_facility.lower()]
        handler = logging.handlers.SysLogHandler(address, facility, kind)
    except KeyError:
        raise ConfigError(f"syslog_facility: there is no '{config.syslog_facility}'") from None
    except OSError as error:
        raise ConfigError(f"syslog_addr: cannot reach {config.syslog_addr}: {error}") from None
    prefix = f"hookserve.{config.syslog_prefix}" if config.syslog_prefix else "hookserve"
    handler.ident = f"{prefix}.{program}: "
    return handler
