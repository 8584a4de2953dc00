"""The command ``hookserve new``: a distribution to begin with, for authors of models and protocols.

command
    reads the arguments, refuses a name that is taken, and says what was written
project
    a distribution that is written from templates
"""

from __future__ import annotations

from hookserve import Command, hookimpl


@hookimpl
def commands() -> list[Command]:
    """One command, ``new``."""
    return [
        Command(
            "new",
            "hookserve_scaffold.command:run",
            "begin a worker model or a protocol of your own",
        )
    ]
