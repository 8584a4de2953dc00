"""Stands in for ``gunicorn.workers.ggevent``."""

from .base_async import AsyncWorker


class GeventWorker(AsyncWorker):
    """The model gevent."""


class GeventPyWSGIWorker(GeventWorker):
    """The model gevent."""


PyWSGIWorker = GeventPyWSGIWorker
