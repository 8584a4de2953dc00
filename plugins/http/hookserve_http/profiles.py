"""Settings for common reverse proxies (`--behind`)."""

from __future__ import annotations

from typing import Any

_LOCAL = ("127.0.0.1", "::1", "unix:")
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", *_LOCAL)


def _forwarding(
    allowed: tuple[str, ...], keepalive: float, hops: int = 0
) -> dict[str, Any]:  # Any: settings
    """A proxy that appends to X-Forwarded-For and sets X-Forwarded-Proto.

    Where its network has clients too, only the element that it appended is believed: `hops` is 1.
    It passes on SCRIPT_NAME and the like as its clients write them, so none is believed.

    A proxy must close an idle connection before the server does, or it may send a request on a
    closed connection: so `keepalive` is a little longer than the proxy's own default.
    """
    return {
        "forwarded_allow_ips": allowed,
        "client_header": "X-Forwarded-For",
        "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
        "keepalive": keepalive,
        "forwarder_headers": (),
        **({"proxy_hops": hops} if hops else {}),
    }


PROFILES: dict[str, dict[str, Any]] = {  # Any: values of settings
    # keepalive_timeout of an upstream: 60 s.  It drops names with underscores that clients send.
    "nginx": {**_forwarding(_LOCAL, 65.0), "forwarder_headers": ("SCRIPT_NAME", "PATH_INFO")},
    "haproxy": _forwarding(_LOCAL, 65.0),  # it has no default; a minute is usual
    "caddy": _forwarding(_PRIVATE, 125.0, 1),  # keepalive: 2 min
    "traefik": _forwarding(_PRIVATE, 95.0, 1),  # idleConnTimeout: 90 s
    "alb": _forwarding(_PRIVATE, 65.0, 1),  # idle timeout: 60 s
    "nlb": {"proxy_protocol": "v2", "proxy_allow_ips": _PRIVATE, "forwarded_allow_ips": ()},
    "heroku": _forwarding(("*",), 95.0, 1),  # the router keeps a connection for 90 s
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
