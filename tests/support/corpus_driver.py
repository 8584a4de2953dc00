"""The HTTP plugin on hookserve's own fakes, for feeding it bytes without sockets."""

from __future__ import annotations

from functools import cache

from hookserve_http.protocol import HttpProtocol

from hookserve.listeners.address import Endpoint
from hookserve.testing.fakes import MemoryTransport, StandInWorker, configure, converse

__all__ = ["Body", "MemoryTransport", "Recorder", "converse", "make_protocol", "make_worker"]


class Recorder:
    """An application that keeps what it was given and answers 200."""

    def __init__(self):
        self.environs = []
        self.bodies = []

    def __call__(self, environ, start_response):
        self.environs.append(dict(environ))
        self.bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


class Body:
    """The body of a response: it counts its closes, and may raise wherever it is asked."""

    def __init__(self, parts, at_close=None):
        self.parts = parts
        self.at_close = at_close
        self.closes = 0

    def __iter__(self):
        for part in self.parts:
            if isinstance(part, BaseException):
                raise part
            yield part

    def close(self):
        self.closes += 1
        if self.at_close is not None:
            raise self.at_close


@cache
def _configured(settings):
    return configure(dict(settings))


def make_worker(app, **settings):
    return StandInWorker(app, _configured(tuple(settings.items())))


def make_protocol(app, buffered=False, awaited_body=0, **settings):
    worker = make_worker(app, **settings)
    worker.awaited_body = awaited_body
    return HttpProtocol(worker, Endpoint("127.0.0.1", "8000"), buffered)
