"""Where the status is served: unix sockets, and ports of this machine alone."""

from __future__ import annotations

import ipaddress

from hookserve.config.values import Rejected
from hookserve.errors import ConfigError
from hookserve.listeners.address import TcpAddress, UnixAddress, parse_address

SIGN = "Hookserve-Status"
"""A field of each response, by which a client tells the status from what else may respond."""


def check(text: str) -> TcpAddress | UnixAddress:
    """The address that `text` names, which no other machine reaches; raises ValueError."""
    address = check_any(text)
    if isinstance(address, TcpAddress) and not is_loopback(address.host):
        raise ValueError(
            "expected unix:PATH, or a port that this machine alone reaches (127.0.0.1:PORT or"
            " [::1]:PORT): the status shows what clients ask for"
        )
    return address


def check_any(text: str) -> TcpAddress | UnixAddress:
    """The address that `text` names; raises ValueError."""
    try:
        address = parse_address(text)
    except ConfigError as error:
        raise Rejected(str(error).removeprefix("bind: ")) from None
    if isinstance(address, UnixAddress):
        if address.is_abstract:
            raise ValueError(
                "expected the path of a unix socket: one without a path has no mode, and every"
                " user may open it"
            )
        return address
    if not isinstance(address, TcpAddress):
        raise ValueError("expected unix:PATH, or HOST:PORT")
    if not address.port:
        raise ValueError("expected a port: the kernel's choice cannot be found again")
    return address


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
