"""The PROXY protocol: what a proxy says of its client before the first byte of the client's.

header
    the header, versions 1 and 2
wrapper
    the protocol around another, without I/O
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from hookserve import Diagnosis, Setting, hookimpl
from hookserve.config.values import one_of
from hookserve.listeners.address import sockets_of_all_users
from hookserve.protocol.trust import UNIX, trust_in_all, trusted_proxies
from hookserve.wording import split_remedy

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.protocol.seam import Protocol
    from hookserve.worker.base import Worker

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "proxy_protocol",
        "off",
        one_of("off", "v1", "v2", "auto"),
        "expect the PROXY protocol on each connection of a trusted proxy, in this"
        " version; auto: in either, and serve a connection without it as the proxy's own",
        bare="auto",
    ),
    Setting(
        "proxy_allow_ips",
        ("127.0.0.1", "::1", "unix:"),
        trusted_proxies,
        "proxies that speak it: addresses, networks, unix: for unix sockets, or *",
        ("--proxy-allow-from",),
        metavar="ADDRESSES",
        needs=("proxy_protocol",),
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Whether it is expected, and from which addresses."""
    return SETTINGS


@hookimpl
def config_warnings(config: Config) -> list[str]:
    """Trust in all addresses, and in all users of this machine."""
    return list(_find_insecure(config))


@hookimpl
def diagnoses(config: Config) -> Iterable[Diagnosis]:
    """Who is believed."""
    insecure = [
        Diagnosis("warning", "trust", *split_remedy(line)) for line in _find_insecure(config)
    ]
    if insecure or config.proxy_protocol == "off":
        return insecure
    believed = ", ".join(map(str, config.proxy_allow_ips)) or "nobody"
    return [Diagnosis("ok", "trust", f"the PROXY protocol is believed of {believed}")]


def _find_insecure(config: Config) -> Iterator[str]:
    """A line for each way in which a client may say who it is."""
    if config.proxy_protocol == "off":
        return
    trusted = trust_in_all(config.proxy_allow_ips)
    if trusted and config.was_given("proxy_allow_ips"):
        yield (
            f"proxy_allow_ips ({config.origin('proxy_allow_ips')}): with {trusted} every client"
            " may choose its own address (name the addresses or networks of the proxies)"
        )
    sockets = sockets_of_all_users(config.bind, config.umask or 0)
    if sockets and UNIX in config.proxy_allow_ips:
        yield (
            f"bind ({config.origin('bind')}): every local user may connect to {', '.join(sockets)}"
            " and choose its own address (unix:PATH?mode=0660&group=GROUP, or --umask 007)"
        )


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """The wrapper, when the protocol is expected."""
    return [] if config.proxy_protocol == "off" else [ProxyPlugin()]


class ProxyPlugin:
    """Puts the wrapper next to the socket: what is within may be TLS."""

    @hookimpl(tryfirst=True)
    def connection_wrappers(self, worker: Worker) -> list[Callable[[Protocol], Protocol]]:
        """One wrapper."""
        from hookserve_proxy.wrapper import ProxyProtocol

        return [partial(ProxyProtocol, config=worker.config)]
