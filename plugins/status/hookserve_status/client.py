"""Talks to a running server's status, for the commands."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Sequence
from typing import Any

from hookserve.config.values import explain_rejected
from hookserve.embedding import read_configuration
from hookserve.errors import ConfigError, HookserveError
from hookserve.listeners.address import TcpAddress, UnixAddress
from hookserve_status.address import SIGN, check

_TIME = 15.0
"""Seconds that an answer may take."""


class Unreachable(HookserveError):
    """No server answers at the address."""

    exit_code = 1


class Refused(HookserveError):
    """The server does not do what it was asked for."""

    exit_code = 1


def find_address(given: str | None, words: Sequence[str]) -> TcpAddress | UnixAddress:
    """The address that was given, or else that of the configuration: a unix socket before a port.

    Raises ConfigError.
    """
    texts = (given,) if given else read_configuration(words).config.status
    try:
        found = [check(each) for each in texts]
    except ValueError as error:
        raise ConfigError(f"--address: {explain_rejected(error, given)}") from None
    if not found:
        raise ConfigError(
            "the configuration has no status address (start the server with --status unix:PATH, or"
            " name the address of one that runs with --address)"
        )
    return min(found, key=lambda each: not isinstance(each, UnixAddress))


class StatusClient:
    """Asks one server; each request has a connection of its own."""

    def __init__(self, address: TcpAddress | UnixAddress) -> None:
        self.address = address

    def snapshot(self) -> dict[str, Any]:  # Any: JSON
        """The whole server; raises Unreachable."""
        found: dict[str, Any] = json.loads(self._ask("GET", "/", "application/json"))
        return found

    def text(self) -> str:
        """The same as text; raises Unreachable."""
        return self._ask("GET", "/", "text/plain")

    def do(self, verb: str, value: int | None = None) -> dict[str, Any]:
        """Give a command; raises Unreachable, and Refused with the server's reason."""
        path = f"/{verb}" if value is None else f"/{verb}?value={value}"
        found: dict[str, Any] = json.loads(self._ask("POST", path, "application/json"))
        return found

    def _ask(self, method: str, path: str, media_type: str) -> str:
        connection = _Connection(self.address)
        try:
            connection.request(method, path, headers={"Accept": media_type})
            response = connection.getresponse()
            body = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(
                f"no server responds at {self.address}: {why.lower()} (does it run, with --status?)"
            ) from None
        finally:
            connection.close()
        if SIGN not in response.headers:
            raise Unreachable(
                f"what responds at {self.address} is not the status of a server (--address names"
                " what --status has there, not the address of the application or of its metrics)"
            )
        if response.status != 200:
            raise Refused(json.loads(body)["error"])
        return body


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: TcpAddress | UnixAddress) -> None:
        super().__init__("localhost", timeout=_TIME)
        self._address = address

    def connect(self) -> None:
        if isinstance(self._address, UnixAddress):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(_TIME)
            self.sock.connect(self._address.path)
        else:
            self.sock = socket.create_connection(self._address, _TIME)
