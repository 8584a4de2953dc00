"""An application for the protocol: PING, ECHO, GET and SET, with the values of one worker."""

from __future__ import annotations

VALUES: dict[bytes, bytes] = {}


def handle(command: list[bytes]) -> bytes | None:
    """Run one command; `None` is the reply that there is nothing."""
    name, *arguments = command
    match name.upper(), arguments:
        case b"PING", []:
            return b"PONG"
        case b"PING" | b"ECHO", [message]:
            return message
        case b"GET", [key]:
            return VALUES.get(key)
        case b"SET", [key, value]:
            VALUES[key] = value
            return b"OK"
    raise ValueError(f"unknown command, or wrong arguments: {name!r}")
