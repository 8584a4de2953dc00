"""What ``hookserve doctor`` says of the proxy in front: trust, keep-alive, drain delay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve.wording import split_remedy
from hookserve_http.insecure import find_insecure
from hookserve_http.profiles import PROFILES

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_LOCAL = ("127.", "localhost", "[::1]", "unix:", "fd://")


def check_proxy(config: Config) -> Iterator[Diagnosis]:
    """Who is believed, and the deadlines beside those of the proxy that `behind` names."""
    insecure = list(find_insecure(config))
    for line in insecure:
        yield Diagnosis("warning", "trust", *split_remedy(line))
    if not insecure:
        yield Diagnosis("ok", "trust", "no header of a client is believed")
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
    yield _check_drain_delay(config.drain_delay, suitable["drain_delay"], config.behind)


def _check_drain_delay(delay: float, suitable: float, proxy: str) -> Diagnosis:
    if delay >= suitable:
        return Diagnosis("ok", "drain delay", f"{delay:g} s suits {proxy}")
    return Diagnosis(
        "warning",
        "drain delay",
        f"drain_delay is {delay:g} s, {proxy} takes about {suitable:g} s to notice that a server"
        " stops: what it sends after that is refused",
        f"leave drain_delay to --behind {proxy} ({suitable:g} s), or have it check more often",
    )
