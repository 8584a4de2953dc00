"""Stands in for ``gunicorn.workers.gtornado``."""

from .base import Worker


class TornadoWorker(Worker):
    """The model tornado."""
