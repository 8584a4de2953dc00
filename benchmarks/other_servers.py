"""Starts the other servers that have no command of their own.

``python -m benchmarks.other_servers NAME PORT MODULE:ATTRIBUTE WORKERS``, with their interpreter.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any  # an application is whatever its module says

from benchmarks.contenders import BACKLOG


def load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def fastpysgi(port: int, application: str, workers: int) -> None:
    """A server in C around llhttp and libuv."""
    import fastpysgi as server

    server.server.backlog = BACKLOG
    server.run(load(application), "127.0.0.1", port, workers=workers)


def bjoern(port: int, application: str, _workers: int) -> None:
    """A server in C around libev."""
    import bjoern as server

    server.run(load(application), "127.0.0.1", port, listen_backlog=BACKLOG)


def eventlet(port: int, application: str, _workers: int) -> None:
    """eventlet's own WSGI server, patched as its documentation says."""
    import eventlet as library

    library.monkey_patch()
    from eventlet import wsgi

    listener = library.listen(("127.0.0.1", port), backlog=BACKLOG)
    wsgi.server(listener, load(application), log_output=False, max_size=1000)


if __name__ == "__main__":
    start = {"fastpysgi": fastpysgi, "bjoern": bjoern, "eventlet.wsgi": eventlet}[sys.argv[1]]
    start(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
