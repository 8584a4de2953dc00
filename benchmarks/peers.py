"""Starts the peers that have no command of their own: ``python -m benchmarks.peers NAME PORT``."""

from __future__ import annotations

import sys

BACKLOG = 2048


def fastpysgi(port: int) -> None:
    """A server in C around llhttp and libuv."""
    import fastpysgi as server

    from examples.hello import application

    server.server.backlog = BACKLOG
    server.run(application, "127.0.0.1", port)


def eventlet(port: int) -> None:
    """eventlet's own WSGI server, patched as its documentation says."""
    import eventlet as library

    library.monkey_patch()
    from eventlet import wsgi

    from examples.hello import application

    listener = library.listen(("127.0.0.1", port), backlog=BACKLOG)
    wsgi.server(listener, application, log_output=False, max_size=1000)


if __name__ == "__main__":
    {"fastpysgi": fastpysgi, "eventlet": eventlet}[sys.argv[1]](int(sys.argv[2]))
