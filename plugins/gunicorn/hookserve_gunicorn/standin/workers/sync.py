"""Stands in for ``gunicorn.workers.sync``."""

from .base import Worker


class SyncWorker(Worker):
    """The model sync."""
