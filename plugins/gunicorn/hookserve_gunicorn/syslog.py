"""Handlers that send to syslog, for logger classes that are written for gunicorn."""

from __future__ import annotations

import logging
import socket
from logging.handlers import SysLogHandler
from typing import Any
from urllib.parse import urlsplit

Address = str | tuple[str, int]
_PORT = 514
_SCHEMES = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


def make_handler(cfg: Any, form: str, name: str) -> SysLogHandler:  # Any: gunicorn's `Config`
    """The handler for the log of that name, with the program name ``gunicorn.PREFIX.NAME``.

    Raises RuntimeError, as gunicorn, for settings that cannot be used; OSError where there is no
    socket of that address.
    """
    prefix = cfg.syslog_prefix or cfg.proc_name.replace(":", ".")
    facility = SysLogHandler.facility_names.get(cfg.syslog_facility.lower())
    if facility is None:
        raise RuntimeError("unknown facility name")
    kind, address = parse_syslog_address(cfg.syslog_addr)
    handler = SysLogHandler(address, facility, kind)
    handler.setFormatter(logging.Formatter(f"gunicorn.{prefix}.{name}: {form}"))
    return handler


def parse_syslog_address(addr: str) -> tuple[socket.SocketKind | None, Address]:
    """The socket's type, `None` for either, and where it sends; raises RuntimeError."""
    parts = urlsplit(addr)
    if parts.scheme == "unix":
        return socket.SOCK_DGRAM if parts.fragment == "dgram" else None, parts.path
    if parts.scheme not in _SCHEMES:
        raise RuntimeError("invalid syslog address")
    try:
        return _SCHEMES[parts.scheme], (parts.hostname or "localhost", parts.port or _PORT)
    except ValueError as error:
        raise RuntimeError(f"syslog_addr: {addr}: {error}") from None
