"""Stands in for ``gunicorn.workers.base_async``."""

from .base import Worker


class AsyncWorker(Worker):
    """The base of gunicorn's workers with greenlets."""
