"""Environment variables that gunicorn reads and hookserve does not."""

from __future__ import annotations

from collections.abc import Mapping

INSTEAD = {
    "GUNICORN_CMD_ARGS": "set HOOKSERVE_CMD_ARGS instead",
    "FORWARDED_ALLOW_IPS": "set HOOKSERVE_FORWARDED_ALLOW_IPS instead",
    "SENDFILE": "set HOOKSERVE_SENDFILE instead",
    "SCRIPT_NAME": "let the proxy send the header SCRIPT_NAME, or set it in the application",
}
"""For each variable, what to do; ``PORT`` and ``WEB_CONCURRENCY`` are read here too."""


def unread(environ: Mapping[str, str]) -> list[str]:
    """A line for each variable that is set and has no effect here.

    One that has its counterpart is no mistake: the same environment may serve both servers.
    """
    return [
        f"{name} (environment): it is gunicorn's and has no effect here ({advice})"
        for name, advice in INSTEAD.items()
        if environ.get(name) and f"HOOKSERVE_{name.removeprefix('GUNICORN_')}" not in environ
    ]
