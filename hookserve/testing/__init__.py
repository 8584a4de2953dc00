"""For authors of applications and plugins: a real server on a free port, and the contracts.

``with serve("shop.wsgi:application", worker="sync") as server:`` starts the command, waits until a
worker is ready, and stops it at the end.  `WorkerContract` is the suite that every worker model
passes; its author derives a class from it and runs pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookserve.testing.server import Server, ServerFailed, serve

if TYPE_CHECKING:
    from hookserve.testing.contract.worker import WorkerContract

__all__ = ["Server", "ServerFailed", "WorkerContract", "serve"]


def __getattr__(name: str) -> Any:  # Any: whichever is asked for
    # Loaded when asked for: a server under test imports this package for its announcer.
    if name == "WorkerContract":
        from hookserve.testing.contract.worker import WorkerContract

        return WorkerContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
