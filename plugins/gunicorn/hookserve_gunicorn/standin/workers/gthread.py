"""Stands in for ``gunicorn.workers.gthread``."""

from .base import Worker


class ThreadWorker(Worker):
    """The model gthread."""
