"""An arbiter whose workers are never forked, whose clock stands still, and whose signals are kept.

Everything else of it is real: its loop, its parts, the scoreboard, the channels and the hooks.
"""

import errno
import os
import signal
from contextlib import contextmanager
from socket import AF_INET
from types import SimpleNamespace

from hookserve import hookimpl
from hookserve.arbiter.arbiter import Arbiter
from hookserve.arbiter.generation import Generation, ProcessPaths
from hookserve.arbiter.handover import Start
from hookserve.arbiter.preparation import load_serving_classes
from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import Assembly, declare_settings, load_plugins


class FakeClock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class FakeProcesses:
    """Children that a test ends."""

    def __init__(self):
        self.signals = []
        """Each signal that was sent: process id and number."""
        self.forks_fail = False
        self._next = 100001
        self._statuses = {}

    def fork(self):
        if self.forks_fail:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._next += 1
        return self._next - 1

    def kill(self, pid, number):
        self.signals.append((pid, signal.Signals(number).name))

    def reap(self, pid):
        return self._statuses.pop(pid, None)

    def end(self, pid, status=0):
        """The process ends with a wait status."""
        self._statuses[pid] = status

    def sent_to(self, pid):
        """The names of the signals that a process was sent."""
        return [name for each, name in self.signals if each == pid]


class Recorder:
    """A plugin that records the arbiter's hooks."""

    def __init__(self):
        self.calls = []

    @hookimpl
    def worker_ready(self, worker):
        self.calls.append(("worker_ready", worker.index))

    @hookimpl
    def child_exit(self, worker, reason):
        self.calls.append(("child_exit", worker.index, str(reason)))

    @hookimpl
    def worker_timeout(self, worker):
        self.calls.append(("worker_timeout", worker.index))

    @hookimpl
    def nworkers_changed(self, new_value, old_value):
        self.calls.append(("nworkers_changed", new_value, old_value))

    @hookimpl
    def reload_failed(self, reason):
        self.calls.append(("reload_failed", reason))

    @hookimpl
    def reloaded(self):
        self.calls.append(("reloaded",))

    @hookimpl
    def retired(self):
        self.calls.append(("retired",))

    @hookimpl
    def on_drain_delay(self):
        self.calls.append(("on_drain_delay",))

    @hookimpl
    def on_stopping(self):
        self.calls.append(("on_stopping",))

    def named(self, name):
        """The calls of one hook."""
        return [call[1:] for call in self.calls if call[0] == name]


_DESCRIPTOR = os.open(os.devnull, os.O_RDONLY)


class FakeListener:
    """A listener without a socket."""

    socket = SimpleNamespace(family=AF_INET)

    def __init__(self, address):
        self.address = self.shown_address = address
        self.refuses_new_connections = False
        self.queue = 0
        self.shakes_hands = False
        self.is_closed = False
        self.inode = 0

    def fileno(self):
        return -1 if self.is_closed else _DESCRIPTOR

    def refuse_new_connections(self):
        self.refuses_new_connections = True

    def has_handshake(self):
        return self.shakes_hands

    def stop_listening(self):
        return not self.queue

    def close(self):
        self.is_closed = True

    def remove(self):
        pass


def make_assembly(recorder, plugins=(), **settings):
    """What a configuration with these settings and plugins makes."""
    host = load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"})
    host.register(recorder, "recorder")
    for number, plugin in enumerate(plugins):
        host.register(plugin, f"plugin {number}")
    table = declare_settings(host)
    config = resolve(table, [SettingsSource("test", settings)])
    return Assembly(host, table, config, SimpleNamespace(), ())


class FakeServer:
    """The arbiter under test and what surrounds it."""

    def __init__(self, workers=2, plugins=(), **settings):
        self.clock, self.processes, self.recorder = FakeClock(), FakeProcesses(), Recorder()
        self.next_assembly = None
        """What a reload reads: an `Assembly`, or an exception."""
        assembly = make_assembly(self.recorder, plugins, workers=workers, **settings)
        classes = load_serving_classes(assembly.host, assembly.config)
        paths = ProcessPaths.current()
        listeners = (FakeListener("127.0.0.1:8000"),)
        generation = Generation(1, assembly, classes, workers, listeners, None, paths)
        start = Start(paths.directory, {})
        self.arbiter = Arbiter(
            generation, self._reassemble, start, processes=self.processes, clock=self.clock
        )
        self.turn()

    def _reassemble(self):
        if isinstance(self.next_assembly, Exception):
            raise self.next_assembly
        return self.next_assembly

    def turn(self, seconds=0.0):
        """Let time pass, and have each part take its step."""
        self.clock.now += seconds
        for part in self.arbiter._parts:
            part.step(self.clock.now)

    def handle(self, index):
        """The newest worker of an index."""
        return self.arbiter.worker_table.at(index)[-1]

    def become_ready(self, *handles):
        """These workers, or all that boot, say that they are ready."""
        for handle in handles or tuple(self.arbiter.worker_table):
            if handle.state == "booting":
                self.arbiter.on_ready(handle)
        self.turn()
        self.turn()

    def end(self, handle, status=0, boot_error=""):
        """A worker's process ends."""
        handle.boot_error = boot_error
        handle.boot_error_code = 3 if boot_error else 0
        self.processes.end(handle.pid, status)
        self.arbiter._reap()
        self.turn()

    def close(self):
        for handle in self.arbiter.worker_table:
            handle.close()
        auxiliaries = self.arbiter.auxiliaries
        for auxiliary in (*auxiliaries._wanted, *auxiliaries._stopping):
            if auxiliary.channel is not None:
                auxiliary.channel.close()
        self.arbiter.upgrade.close()
        self.arbiter.close()


@contextmanager
def serving(workers=2, plugins=(), is_ready=True, **settings):
    """A server whose workers are ready, or about to boot."""
    server = FakeServer(workers, plugins, **settings)
    try:
        if is_ready:
            server.become_ready()
        yield server
    finally:
        server.close()
