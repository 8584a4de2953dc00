"""Auxiliary processes where a library has made the standard library cooperative in the arbiter: all
that plugins bring work as in any other server, end with it, and leave nothing."""

import re
import signal
import time
from pathlib import Path

import pytest
from hookserve_status.ctl import run
from support.collector import Collector
from support.processes import children_of, is_alive
from support.scrapers import ask
from support.sockets import free_address

from hookserve.testing import serve, wait_until

pytestmark = pytest.mark.process

PLUGINS = Path(__file__).parents[2] / "plugins"

APPLICATION = """
from queue import Empty, SimpleQueue
from threading import Lock, Thread, get_native_id
from time import sleep

def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

def check():
    open("checked", "w").close()
"""
SITE = """
import importlib, os, sys
from hookserve import AuxiliaryProcess, hookimpl

def work():
    import queue, selectors, socket, subprocess, threading, time
    from concurrent.futures import ThreadPoolExecutor
    app = importlib.import_module("app")
    received, sent = queue.Queue(), app.SimpleQueue()
    ours, theirs = socket.socketpair()
    def talk():
        theirs.sendall(subprocess.run(["echo", "from a child"], stdout=subprocess.PIPE).stdout)
        sent.put(app.get_native_id())
        time.sleep(0.01)
        received.put(threading.get_native_id())
    thread = app.Thread(target=talk, daemon=True)
    thread.start()
    with selectors.DefaultSelector() as selector:
        selector.register(ours, selectors.EVENT_READ)
        assert selector.select(10)
    assert ours.recv(100) == b"from a child\\n"
    assert os.getpid() == threading.get_native_id() == app.get_native_id()
    number = received.get(timeout=10)
    assert number == sent.get(timeout=10) != os.getpid()
    assert threading.current_thread() is threading.main_thread()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(app.get_native_id).result(10) != os.getpid()
    thread.join()
    try:
        received.get(timeout=0.01)
    except app.Empty:
        open("worked", "w").close()
    threading.Event().wait()

@hookimpl
def auxiliary_processes(server):
    return [AuxiliaryProcess("site", work)]
"""
GEVENT = "from gevent import monkey\nmonkey.patch_all()\n"
EVENTLET = "import eventlet\neventlet.monkey_patch()\n"
PRELOADED, RELOADED = {"preload_app": True}, {"reload": True}
SCENES = {
    "gevent": ("gevent", "", "", PRELOADED),
    "eventlet": ("eventlet", "", "", PRELOADED),
    "an application with gevent": ("gthread", GEVENT, "", PRELOADED),
    "an application with eventlet": ("gthread", EVENTLET, "", PRELOADED),
    "a configuration file with gevent": ("gthread", "", GEVENT, RELOADED),
}
"""The worker model, what the application and the configuration file begin with, and settings: one
of the two excludes the other."""
BRING_PROCESSES = {"health", "opentelemetry", "prometheus", "reload", "status"}
"""The plugins that the server of these tests has."""


class Site:
    """A folder with an application, all plugins that bring processes, and one of its own."""

    def __init__(self, folder, scene, collector):
        self.folder = folder
        self.model, application, configuration, self.settings = SCENES[scene]
        self.collector = collector
        self.status = folder / "status"
        self.health, self.metrics = free_address(), free_address()
        (folder / "app.py").write_text(application + APPLICATION)
        (folder / "hookserve.conf.py").write_text(configuration + SITE)

    def serve(self):
        settings = {
            **self.settings,
            "status": f"unix:{self.status}",
            "prometheus": "{}:{}".format(*self.metrics),
            "health_bind": "{}:{}".format(*self.health),
            "health_check": "app:check",
            "otlp_endpoint": self.collector.url,
            "otlp_interval": 0.2,
        }
        return serve("app", worker=self.model, chdir=self.folder, settings=settings)

    @property
    def processes(self):
        """The names of all that there are."""
        left_out = {"reload"} - set(self.settings)
        return {"site", "health-checks", *BRING_PROCESSES} - left_out

    def ctl(self, *words):
        return run(["-a", f"unix:{self.status}", *words])


@pytest.fixture
def site(tmp_path, request):
    with Collector() as collector:
        yield Site(tmp_path, request.param, collector)


ALL = pytest.mark.parametrize("site", SCENES, indirect=True)
IN_SHORT = pytest.mark.parametrize(
    "site",
    [
        "gevent",
        *(pytest.param(each, marks=pytest.mark.everywhere) for each in SCENES if each != "gevent"),
    ],
    indirect=True,
)


def test_all_plugins_that_bring_processes_are_among_those_of_these_tests():
    found = {
        path.relative_to(PLUGINS).parts[0]
        for path in PLUGINS.glob("*/hookserve_*/**/*.py")
        if re.search(r"def auxiliary_processes\(", path.read_text())
    }

    assert found == BRING_PROCESSES


@ALL
def test_all_work_and_end_with_the_server(site):
    with site.serve() as server:
        assert ask(str(site.status)) == ask(site.metrics, "/metrics") == 200
        wait_until(lambda: ask(site.health, "/-/ready") == 200)
        wait_until((site.folder / "checked").exists)
        wait_until((site.folder / "worked").exists)
        wait_until(lambda: site.collector.named("hookserve.workers"))
        assert site.ctl("scale", "2") == 0
        assert site.ctl("stacks", "0") == 0
        for name in site.processes:
            assert server.log.count(f"auxiliary {name} ") == 1
        server.wait_for("ready", count=2)
        processes = children_of(server.pid)

        began = time.monotonic()
        assert server.stop() == 0

        assert time.monotonic() < began + 5
        assert not [pid for pid in processes if is_alive(pid)]


@IN_SHORT
@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGKILL])
def test_none_outlives_the_arbiter(site, number):
    with site.serve() as server:
        processes = children_of(server.pid)
        assert len(processes) == 1 + len(site.processes)

        server.stop(number)

        wait_until(lambda: not [pid for pid in processes if is_alive(pid)])


@IN_SHORT
def test_they_follow_each_other_at_a_reload(site):
    with site.serve() as server:
        wait_until(lambda: ask(site.health, "/-/ready") == 200)
        assert site.ctl("reload", "--wait") == 0
        assert ask(str(site.status)) == ask(site.metrics, "/metrics") == 200
        assert server.stop() == 0
