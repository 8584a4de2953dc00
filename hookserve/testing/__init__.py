"""For authors of applications and plugins: a real server on a free port.

``with serve("shop.wsgi:application", worker="sync") as server:`` starts the command, waits until a
worker is ready, and stops it at the end.
"""

from hookserve.testing.server import Server, ServerFailed, serve

__all__ = ["Server", "ServerFailed", "serve"]
