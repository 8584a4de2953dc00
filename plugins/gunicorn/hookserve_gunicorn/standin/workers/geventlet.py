"""Stands in for ``gunicorn.workers.geventlet``."""

from .base_async import AsyncWorker


class EventletWorker(AsyncWorker):
    """The model eventlet."""
