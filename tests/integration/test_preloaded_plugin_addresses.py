"""Addresses that plugins have for themselves, while the arbiter executes itself for a reload."""

import signal
import socket
import stat
import threading
from types import SimpleNamespace

import pytest
from hookserve_status.client import Refused
from hookserve_status.ctl import run
from support.processes import children_of
from support.scrapers import Connection, Scrapers, ask
from support.sockets import listeners_of

from hookserve.testing import serve, wait_until

pytestmark = pytest.mark.process

APPLICATION = """
import os, time

while os.path.exists("executing") and not os.path.exists("go on"):
    time.sleep(0.01)

def application(environ, start_response):
    start_response("200 OK", [])
    return [b"x"]

def check():
    pass
"""
CONFIG = """
import os

def pre_exec(server):
    if os.path.exists("wait"):
        open("executing", "w").close()
    if os.path.exists("too much"):
        server.environ["TOO_MUCH"] = "x" * 10_000_000

def post_fork(worker):
    if os.path.exists("broken"):
        raise RuntimeError("half a deployment")
"""


class Site:
    """A folder with a preloaded application, and three plugins' addresses."""

    def __init__(self, folder):
        self.folder = folder
        self.status = folder / "status"
        self.health, self.metrics = _free_address(), _free_address()
        self.settings = {
            "status": f"unix:{self.status}",
            "health_bind": "{}:{}".format(*self.health),
            "prometheus": "{}:{}".format(*self.metrics),
        }
        (folder / "app.py").write_text(APPLICATION)
        self.configure(self.settings)

    def configure(self, settings):
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        (self.folder / "hookserve.conf.py").write_text(CONFIG + "".join(lines))

    def touch(self, name):
        (self.folder / name).touch()

    def serve(self, workers=2, **settings):
        settings = {"preload_app": True, **settings}
        return serve("app:application", workers=workers, chdir=self.folder, settings=settings)

    def scrapers(self):
        return Scrapers(
            (str(self.status), "/"),
            (str(self.status), "/scale?value=2", "POST"),
            (self.health, "/-/ready"),
            (self.metrics, "/metrics"),
        )

    def reload(self):
        return run(["-a", f"unix:{self.status}", "reload", "--wait"])

    def start_reload(self):
        """A reload that is waited for in a thread, with what comes of it."""
        found = SimpleNamespace(outcome=None)

        def wait():
            try:
                found.outcome = self.reload()
            except Exception as error:
                found.outcome = error

        found.thread = threading.Thread(target=wait)
        found.thread.start()
        return found


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def _free_address():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()


@pytest.mark.parametrize("preload", [True, False])
def test_reloads_in_a_row_refuse_no_client(site, preload):
    with site.serve(preload_app=preload, health_check="app:check") as server:
        wait_until(lambda: ask(site.health, "/-/ready") == 200)  # the check has run
        inode = site.status.stat().st_ino
        with site.scrapers() as scrapers:
            for _ in range(4):
                scrapers.wait_for_each()
                assert site.reload() == 0
                assert site.status.stat().st_ino == inode
            scrapers.wait_for_each()

            assert scrapers.failures == []
        assert len(listeners_of(server.pid)) == 4
        wait_until(lambda: len(children_of(server.pid)) == 5)  # two workers, three beside them
        for pid in server.workers().values():
            assert len(listeners_of(pid)) == 1
        assert stat.S_IMODE(site.status.stat().st_mode) == 0o600
    assert not site.status.exists()


def test_while_the_next_arbiter_starts_checks_are_answered_and_commands_wait(site):
    site.touch("wait")
    with site.serve() as server, site.scrapers() as scrapers:
        scrapers.wait_for_each()
        reload = site.start_reload()
        wait_until((site.folder / "executing").exists)
        late = Connection(str(site.status))
        late.request("GET", "/")
        assert ask(site.health, "/-/ready") == ask(site.metrics, "/metrics") == 200
        site.touch("go on")
        assert late.getresponse().status == 200
        late.close()
        reload.thread.join()
        scrapers.wait_for_each()

        assert reload.outcome == 0
        assert scrapers.failures == []
        assert "exited" not in server.log


def test_addresses_that_are_dropped_are_closed_and_their_path_is_removed(site):
    with site.serve() as server:
        other = site.folder / "other"
        site.configure({"prometheus": f"unix:{other}", "status": site.settings["status"]})
        assert site.reload() == 0
        assert ask(str(other), "/metrics") == 200
        site.configure({"health_bind": site.settings["health_bind"]})
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: generation 3" in server.log)

        assert not site.status.exists()
        assert not other.exists()
        with pytest.raises(ConnectionRefusedError):
            ask(site.metrics)
        assert ask(site.health, "/-/ready") == 200
        assert len(listeners_of(server.pid)) == 2


@pytest.mark.parametrize("failure", ["dry run", "exec", "canary"])
def test_a_reload_that_fails_leaves_all_addresses_served(site, failure):
    with site.serve() as server, site.scrapers() as scrapers:
        for count in (1, 2):
            scrapers.wait_for_each()
            if failure == "dry run":
                (site.folder / "app.py").write_text("raise RuntimeError('half a deployment')\n")
            site.touch({"exec": "too much", "canary": "broken"}.get(failure, "nothing"))
            reason = "Argument list too long" if failure == "exec" else "half a deployment"
            with pytest.raises(Refused, match=f"the reload has failed.*{reason}"):
                site.reload()
            assert server.log.count("the reload was cancelled") == count
        scrapers.wait_for_each()

        assert scrapers.failures == []
        assert len(listeners_of(server.pid)) == 4
