"""The limit on open descriptors, which each connection counts against."""

from __future__ import annotations

import resource

_OTHERS = 128
"""Descriptors that a worker has beside its connections: listeners, logs, the application's own."""


def allow_descriptors(connections: int) -> str:
    """Raise the soft limit so that a worker may hold that many connections (getrlimit(2)).

    It is never lowered.  Returns what is wrong when the hard limit does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHERS
    if soft in (resource.RLIM_INFINITY, -1) or soft >= needed:
        return ""
    possible = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    except (OSError, ValueError):
        possible = soft
    if possible >= needed:
        return ""
    return (
        f"worker_connections is {connections}, but a process may have {possible} descriptors only"
        " (raise the hard limit: ulimit -Hn, or LimitNOFILE= in a systemd unit)"
    )
