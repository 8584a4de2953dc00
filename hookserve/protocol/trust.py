"""Which proxies are believed when they speak for their clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from hookserve.config.values import Rejected, items

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

UNIX = "unix:"
"""Stands for the clients of a unix socket."""
_UNPARSED = frozenset({"*", UNIX, "127.0.0.1", "::1"})
"""What is right without the module `ipaddress`, which a start with the defaults does not import."""
_CACHE_SIZE = 1024
_INTERNET = ("0.0.0.0/0", "::/0", "2000::/3")
"""All addresses, and those of IPv6 that are given out to the public (RFC 4291, 2.4)."""


def trusted_proxies(value: object) -> tuple[str, ...]:
    """Addresses, networks in CIDR form, ``unix:``, or ``*`` for all: a list, or one string
    with commas."""
    names = items(value)
    for name in names:
        if name not in _UNPARSED:
            _network(name)
    return names


def trusts(allowed: Iterable[str]) -> Callable[[str], bool]:
    """A predicate on the text of an address, empty for one on a unix socket; false for a text
    that is not an address.  `allowed` is what `trusted_proxies` returns."""
    names = frozenset(allowed)
    if "*" in names:
        return _trust_all

    @cache
    def networks() -> list[IPv4Network | IPv6Network]:
        return [_network(name) for name in names - {UNIX}]

    @lru_cache(_CACHE_SIZE)
    def is_trusted(host: str) -> bool:
        if not host:
            return UNIX in names
        if host in names:
            return True
        address = address_of(host)
        return address is not None and any(address in network for network in networks())

    return is_trusted


def is_wide(name: str) -> bool:
    """Whether an item of `trusted_proxies` is a network with more than one address."""
    return "/" in name and _network(name).num_addresses > 1


def trust_in_all(allowed: Iterable[str]) -> str:
    """What of `allowed` trusts every client: ``*``, or networks that hold half of all addresses or
    more together; empty if nothing does."""
    names = tuple(allowed)
    if "*" in names:
        return "*"
    wide = [name for name in names if is_wide(name)]
    found = [name for whole in _INTERNET for name in _covering(whole, wide)]
    return ", ".join(dict.fromkeys(found))


def _covering(whole: str, names: Iterable[str]) -> list[str]:
    """The networks of `names` that touch `whole`, if they hold half of it or more."""
    import ipaddress

    outer = _network(whole)
    touching = [name for name in names if _network(name).overlaps(outer)]
    # Of two networks that overlap, one is in the other.
    nets: Iterable[Any] = map(_network, touching)  # Any: of one version, which mypy cannot know
    sizes = [net.num_addresses for net in ipaddress.collapse_addresses(nets)]
    return touching if 2 * sum(sizes) >= outer.num_addresses else []


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is, without its zone; an IPv4-mapped IPv6 address (RFC
    4291, 2.5.5.2) becomes the IPv4 one.  `None` for a text that is not an address."""
    import ipaddress

    address, percent, _ = text.partition("%")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if percent and found.version == 4:
        return None  # RFC 4007, 11: only IPv6 addresses have zones
    return getattr(found, "ipv4_mapped", None) or found


def _network(name: str) -> IPv4Network | IPv6Network:
    import ipaddress

    try:
        return ipaddress.ip_network(name)
    except ValueError as error:
        raise Rejected(f"expected addresses, networks, {UNIX} or * ({error})") from None


def _trust_all(host: str) -> bool:
    return True
