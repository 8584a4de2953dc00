"""Settings for common reverse proxies (`--behind`)."""

from __future__ import annotations

from typing import Any

_LOCAL = ("127.0.0.1", "::1", "unix:")
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", *_LOCAL)


def _forwarding(
    allowed: tuple[str, ...], keepalive: float, drain_delay: float, hops: int = 0
) -> dict[str, Any]:  # Any: settings
    """A proxy that appends to X-Forwarded-For and sets X-Forwarded-Proto.

    Where its network has clients too, only the element that it appended is believed: `hops` is 1.
    It passes on SCRIPT_NAME and the like as its clients write them, so none is believed.

    A proxy must close an idle connection before the server does, or it may send a request on a
    closed connection: so `keepalive` is a little longer than the proxy's own default.

    `drain_delay` is as long as the proxy's checks take to notice, by its own defaults; where it
    checks nothing, as long as it takes to tell busy connections that they are closed.
    """
    return {
        "forwarded_allow_ips": allowed,
        "client_header": "X-Forwarded-For",
        "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
        "keepalive": keepalive,
        "drain_delay": drain_delay,
        "forwarder_headers": (),
        **({"proxy_hops": hops} if hops else {}),
    }


PROFILES: dict[str, dict[str, Any]] = {  # Any: values of settings
    # keepalive_timeout of an upstream: 60 s.  It drops names with underscores that clients send.
    # It checks nothing, and tries the next server when a connection is refused.
    "nginx": {
        **_forwarding(_LOCAL, 65.0, 2.0),
        "forwarder_headers": ("SCRIPT_NAME", "PATH_INFO"),
    },
    # It has no default of a keep-alive; a minute is usual.  inter 2 s, fall 3.
    "haproxy": _forwarding(_LOCAL, 65.0, 8.0),
    # keepalive: 2 min.  fail_duration is set by hand, and so are active checks.
    "caddy": _forwarding(_PRIVATE, 125.0, 5.0, 1),
    # idleConnTimeout: 90 s.  Checks are set by hand.
    "traefik": _forwarding(_PRIVATE, 95.0, 5.0, 1),
    # idle timeout: 60 s.  A target is deregistered before it gets TERM, as a rule.
    "alb": _forwarding(_PRIVATE, 65.0, 10.0, 1),
    "nlb": {
        "proxy_protocol": "v2",
        "proxy_allow_ips": _PRIVATE,
        "forwarded_allow_ips": (),
        "drain_delay": 10.0,
    },
    # The router keeps a connection for 90 s.  KILL comes 30 s after TERM.
    "heroku": {**_forwarding(("*",), 95.0, 3.0, 1), "graceful_timeout": 25.0},
    # Of a proxy in the cluster.  Endpoints are removed while TERM comes, KILL 30 s after it.
    "kubernetes": {**_forwarding(_PRIVATE, 95.0, 5.0, 1), "graceful_timeout": 20.0},
}


def describe_profiles() -> str:
    """The profiles, for the reference."""
    lines = [
        f"`{name}`: " + "; ".join(f"{key} {_shown(value)}" for key, value in values.items())
        for name, values in PROFILES.items()
    ]
    return "\n\n".join(lines)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items())
    return str(value)
