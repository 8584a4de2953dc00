"""What ``hookserve doctor`` says of the proxy in front: trust, keep-alive, drain delay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve_http.insecure import find_insecure
from hookserve_http.profiles import PROFILES

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_LOCAL = ("127.", "localhost", "[::1]", "unix:", "fd://")


def check_proxy(config: Config) -> Iterator[Diagnosis]:
    """Who is believed, and the deadlines beside those of the proxy that `behind` names."""
    insecure = list(find_insecure(config))
    for line in insecure:
        yield Diagnosis("warning", "trust", line, "name the proxies in forwarded_allow_ips")
    if not insecure:
        yield Diagnosis("ok", "trust", "no client is believed without a proxy that is named")
    if config.behind == "none":
        yield from _check_front(config)
    else:
        yield from _check_profile(config)


def _check_front(config: Config) -> Iterator[Diagnosis]:
    """No proxy is named; one may be there."""
    public = [each for each in config.bind if not each.startswith(_LOCAL)]
    if public and not config.client_header and config.get("proxy_protocol", "off") == "off":
        yield Diagnosis(
            "note",
            "proxy",
            f"{public[0]} is open to other machines, and no proxy is named",
            "--behind NAME if a proxy is in front: else the application takes the proxy's address"
            " for the client's, and idle connections end on the wrong side first",
        )


def _check_profile(config: Config) -> Iterator[Diagnosis]:
    suitable = PROFILES[config.behind]
    keepalive = suitable.get("keepalive", 0.0)
    if 0.0 < config.keepalive < keepalive:
        yield Diagnosis(
            "warning",
            "keep-alive",
            f"keepalive is {config.keepalive:g} s, {config.behind} keeps idle connections for about"
            f" {keepalive - 5:g} s: it sends requests on connections that end, and answers 502",
            f"leave keepalive to --behind {config.behind} ({keepalive:g} s), or shorten the"
            " proxy's own",
        )
    elif keepalive and config.keepalive:
        yield Diagnosis("ok", "keep-alive", f"{config.keepalive:g} s suits {config.behind}")
    if not config.drain_delay:
        yield Diagnosis(
            "warning",
            "drain delay",
            "the server refuses connections at once after TERM, before the proxy has noticed",
            f"leave drain_delay to --behind {config.behind} ({suitable['drain_delay']:g} s)",
        )
