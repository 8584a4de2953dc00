"""The command ``hookserve new``: a distribution to begin with, for authors of worker models."""

from __future__ import annotations

from hookserve import Command, hookimpl


@hookimpl
def commands() -> list[Command]:
    """One command, ``new``."""
    return [Command("new", "hookserve_scaffold.command:run", "begin a worker model of your own")]
