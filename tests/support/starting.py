"""Starts of a server whose arbiter's loop is a fake, and a plugin that records them."""

import os

from support.fake_arbiter import FakeListener, Recorder, make_assembly

from hookserve import hookimpl
from hookserve.arbiter.handover import HandedWorker, Handover, Start
from hookserve.launch.start import serve

WHOLE = ["install_logs", "on_starting", "open_listeners", "when_ready", "run", "on_exit"]
ADDRESS = "127.0.0.1:8000"
SERVES_ON = Handover(pid=1, workers=[HandedWorker(4711, 0, 1, -1, -1, 0, 0, 1.0)])
"""After a re-exec: there are workers that serve on."""


class Listener(FakeListener):
    """Records that its path was removed."""

    is_removed = False

    def remove(self):
        self.is_removed = True


class Life:
    """Records the life of a server, and raises where a test says so."""

    def __init__(self):
        self.calls = []
        self.listeners = [Listener(ADDRESS)]
        self.errors = {}
        self.app = application
        self.arbiter = None
        self.titles = []

    def record(self, name):
        self.calls.append(name)
        if name in self.errors:
            raise self.errors[name]

    @hookimpl
    def install_logs(self):
        self.record("install_logs")

    @hookimpl
    def on_starting(self, server):
        self.arbiter = server
        self.record("on_starting")

    @hookimpl(tryfirst=True)
    def open_listeners(self, inherited):
        self.record("open_listeners")
        return self.listeners

    @hookimpl(tryfirst=True)
    def load_app(self):
        self.record("load_app")
        return self.app

    @hookimpl
    def when_ready(self):
        self.record("when_ready")

    @hookimpl
    def on_exit(self):
        self.record("on_exit")


class Brings:
    """A plugin that brings another one."""

    def __init__(self, plugin):
        self._plugin = plugin

    @hookimpl
    def configured_plugins(self):
        return [self._plugin]


def application(environ, start_response): ...


async def asgi(scope, receive, send): ...


def assembly_of(life, **settings):
    return make_assembly(Recorder(), [life], logger_class=[], **settings)


def run(life, handover=None, **settings):
    made = assembly_of(life, **settings)
    serve(made, lambda: made, Start(os.getcwd(), {}), handover or Handover())
