"""For authors of applications and plugins: a real server on a free port, and the contracts.

``with serve("shop.wsgi:application", worker="sync") as server:`` starts the command, waits until a
worker is ready, and stops it at the end; `wait_until` waits for a condition.  `WorkerContract` is
the suite that every worker model for WSGI passes, `AsgiWorkerContract` the one for ASGI, and
`ProtocolContract` the one for protocols; their authors derive a class and run pytest.

server
    `serve`: a real server in a process of its own
waiting, kernel
    `wait_until`, and what can be waited for: the server has accepted, has read, has closed
suspending
    a process that stands still, for certain
announcer, bridge
    in the tested server: what happens there, reported to the test; application objects of a test
fakes
    a worker, a transport and a handle in memory, for tests of protocols
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from hookserve.testing.server import Server, ServerFailed, serve
from hookserve.testing.waiting import wait_until

if TYPE_CHECKING:
    from hookserve.testing.contract.asgi import AsgiWorkerContract
    from hookserve.testing.contract.protocol import ProtocolContract
    from hookserve.testing.contract.worker import WorkerContract

__all__ = [
    "AsgiWorkerContract",
    "ProtocolContract",
    "Server",
    "ServerFailed",
    "WorkerContract",
    "serve",
    "wait_until",
]

_FOLDER = "hookserve.testing.contract"
_PARTS = {
    "AsgiWorkerContract": f"{_FOLDER}.asgi",
    "ProtocolContract": f"{_FOLDER}.protocol",
    "WorkerContract": f"{_FOLDER}.worker",
}


def __getattr__(name: str) -> Any:  # Any: whichever is asked for
    # Loaded when asked for: a server under test imports this package for its announcer.
    if name in _PARTS:
        part = _PARTS[name]
        if part not in sys.modules and importlib.util.find_spec("pytest") is not None:
            import pytest

            # Or a failing assertion would say nothing but that it failed.
            parts = ("base", "order", "protocol", "protocol_base", "suspension")
            pytest.register_assert_rewrite(part, *(f"{_FOLDER}.{each}" for each in parts))
        return getattr(importlib.import_module(part), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
