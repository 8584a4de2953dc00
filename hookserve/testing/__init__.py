"""For authors of applications and plugins: a real server on a free port, and the contracts.

``with serve("shop.wsgi:application", worker="sync") as server:`` starts the command, waits until a
worker is ready, and stops it at the end; `wait_until` waits for a condition.  `WorkerContract` is
the suite that every worker model passes, `ProtocolContract` the one for protocols; their authors
derive a class and run pytest.

server
    `serve`: a real server in a process of its own
waiting, kernel
    `wait_until`, and what can be waited for: the server has accepted, has read, has closed
announcer, bridge
    in the tested server: what happens there, reported to the test; application objects of a test
fakes
    a worker and a transport in memory, for tests of protocols
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hookserve.testing.server import Server, ServerFailed, serve
from hookserve.testing.waiting import wait_until

if TYPE_CHECKING:
    from hookserve.testing.contract.protocol import ProtocolContract
    from hookserve.testing.contract.worker import WorkerContract

__all__ = ["ProtocolContract", "Server", "ServerFailed", "WorkerContract", "serve", "wait_until"]

_PARTS = {
    "ProtocolContract": "hookserve.testing.contract.protocol",
    "WorkerContract": "hookserve.testing.contract.worker",
}


def __getattr__(name: str) -> Any:  # Any: whichever is asked for
    # Loaded when asked for: a server under test imports this package for its announcer.
    if name in _PARTS:
        return getattr(importlib.import_module(_PARTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
