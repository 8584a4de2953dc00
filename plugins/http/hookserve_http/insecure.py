"""Settings by which clients are believed that should not be: a warning each, refused by
``--strict``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve.listeners.address import sockets_of_all_users
from hookserve.protocol.trust import UNIX, is_wide, trust_in_all

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def find_insecure(config: Config) -> Iterator[str]:
    """A line for each.  What a profile of `behind` says of its proxy is meant as it is."""
    yield from _trust_in_all(config)
    yield from _trust_in_networks(config)
    yield from _trust_in_local_users(config)
    if config.header_map == "dangerous":
        yield (
            f"header_map ({config.origin('header_map')}): with dangerous a client may send"
            " X_Forwarded_For in the place of X-Forwarded-For (take drop or refuse, and name what"
            " the proxy sends in forwarder_headers)"
        )
    if "*" in config.forwarder_headers:
        yield (
            f"forwarder_headers ({config.origin('forwarder_headers')}): with * a client may send"
            " X_Forwarded_For through a proxy that passes such names on (name the headers)"
        )


def _trust_in_all(config: Config) -> Iterator[str]:
    trusted = trust_in_all(config.forwarded_allow_ips)
    if not trusted or not config.was_given("forwarded_allow_ips"):
        return
    settings = ("client_header", "secure_scheme_headers", "forwarder_headers", "request_id")
    believed = [
        each
        for name, each in zip(settings, ("address", "scheme", "path", "id"), strict=True)
        if config.get(name)
    ]
    if believed:
        yield (
            f"forwarded_allow_ips ({config.origin('forwarded_allow_ips')}): with {trusted} every"
            f" client may choose its own {_listed(believed)} (name the addresses or networks of the"
            " proxies)"
        )


def _trust_in_networks(config: Config) -> Iterator[str]:
    if not config.client_header or config.proxy_hops or trust_in_all(config.forwarded_allow_ips):
        return
    networks = [name for name in config.forwarded_allow_ips if is_wide(name)]
    if networks:
        yield (
            f"forwarded_allow_ips ({config.origin('forwarded_allow_ips')}): a client in"
            f" {_listed(networks)} may choose its own address (set proxy_hops to the number of"
            " proxies)"
        )


def _trust_in_local_users(config: Config) -> Iterator[str]:
    if not config.client_header or UNIX not in config.forwarded_allow_ips:
        return
    sockets = sockets_of_all_users(config.bind, config.umask or 0)
    if sockets:
        yield (
            f"bind ({config.origin('bind')}): every local user may connect to {_listed(sockets)}"
            " and choose its own address (unix:PATH?mode=0660&group=GROUP, or --umask 007)"
        )


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
