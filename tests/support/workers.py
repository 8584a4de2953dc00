"""Workers without a server: a context made by hand, in the test's own process."""

import os

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.types import WorkerType
from hookserve.worker.base import Worker
from hookserve.worker.channel import open_channel
from hookserve.worker.context import ServerView, WorkerContext
from hookserve.worker.scoreboard import Scoreboard


def application(environ, start_response):
    """Responds with two bytes."""
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def make_context(log, listeners=(), protocol_type=None, plugins=(), **settings):
    """What an arbiter gives a worker, and the arbiter's end of the channel."""
    host = load_plugins([], {})
    for number, plugin in enumerate(plugins):
        host.register(plugin, f"of the test {number}")
    config = resolve(declare_settings(host), [SettingsSource("test", settings)])
    scoreboard = Scoreboard(2, 4)
    ours, theirs = open_channel()
    context = WorkerContext(
        ServerView(os.getpid(), config, (), log),
        0,
        1,
        config,
        host,
        WorkerType("of the test", "support.workers:IdleWorker", "of the test"),
        {"wsgi": protocol_type},
        listeners,
        scoreboard,
        [scoreboard],
        scoreboard.take(),
        theirs,
        2,
        application,
        lambda: None,
    )
    return context, ours


class IdleWorker(Worker):
    """Waits for signals and serves no connection."""

    def run(self):
        """Wait until the worker is told to stop."""
        while self.alive:
            self.wait_for_signals(10.0)

    def drain(self, deadline):
        """There is nothing to finish."""
