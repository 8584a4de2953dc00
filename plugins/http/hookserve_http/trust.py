"""Which peers are believed when they speak for another client."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hookserve.errors import ConfigError


def trusts(allowed: Iterable[str]) -> Callable[[str], bool]:
    """A predicate on a peer's address, for addresses, networks in CIDR form and ``*``.

    Raises ConfigError for anything else.
    """
    names = frozenset(allowed)
    if "*" in names:
        return lambda host: True
    networks = [name for name in names if "/" in name]
    if not networks:
        return names.__contains__
    import ipaddress

    try:
        parsed = [ipaddress.ip_network(name) for name in networks]
    except ValueError as error:
        raise ConfigError(f"forwarded_allow_ips: {error} (an address, a network or *)") from None

    def is_trusted(host: str) -> bool:
        if host in names:
            return True
        address = ipaddress.ip_address(host.partition("%")[0])
        return any(address in network for network in parsed)

    return is_trusted
