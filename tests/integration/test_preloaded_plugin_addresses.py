"""Addresses, those that plugins have for themselves among them, while the arbiter executes itself
for a reload."""

import signal
import stat
import threading
from types import SimpleNamespace

import pytest
from hookserve_status.client import Refused
from hookserve_status.ctl import run
from support.processes import children_of
from support.scrapers import Connection, Scrapers, ask
from support.sockets import free_address, leave_path, listeners_of

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
        self.health, self.metrics = free_address(), free_address()
        self.settings = {
            "status": f"unix:{self.status}",
            "health_bind": _text(self.health),
            "prometheus": _text(self.metrics),
        }
        (folder / "app.py").write_text(APPLICATION)
        self.configure(self.settings)

    def configure(self, settings):
        lines = [f"{name} = {value!r}\n" for name, value in settings.items()]
        (self.folder / "hookserve.conf.py").write_text(CONFIG + "".join(lines))

    def touch(self, name):
        (self.folder / name).touch()

    def serve(self, workers=2, bind="127.0.0.1:0", **settings):
        settings = {"preload_app": True, **settings}
        return serve(
            "app:application", bind=bind, workers=workers, chdir=self.folder, settings=settings
        )

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


def _text(address):
    return "{}:{}".format(*address)


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
        wait_until(lambda: len(children_of(server.pid)) == 6)  # two workers, four beside them
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


@pytest.mark.parametrize("preload", [True, False])
@pytest.mark.parametrize(
    ("setting", "address", "why"),
    [
        ("bind", "{taken}", "address already in use"),
        ("bind", "unix:/no/such/folder/socket", "no such file or directory"),
        ("status", "{taken}", "address already in use"),
        ("prometheus", "shop.invalid:9000", "there is no host of that name"),
        ("prometheus", "unix:/no/such/folder/socket", "no such file or directory"),
    ],
)
def test_a_reload_to_an_address_that_cannot_be_made_is_cancelled(
    site, taken, setting, address, why, preload
):
    address = address.format(taken=taken)
    old = {"bind": _text(free_address()), **site.settings}
    added, stale = free_address(), site.folder / "stale"
    site.configure(old)
    with site.serve(bind=None, preload_app=preload) as server, site.scrapers() as scrapers:
        scrapers.wait_for_each()
        leave_path(stale)
        more = [_text(added), f"unix:{site.folder}/new", f"unix:{stale}", address]
        site.configure({**old, setting: ",".join([old[setting], *more])})
        before = set(site.folder.iterdir())

        with pytest.raises(Refused, match="the reload has failed") as refused:
            site.reload()

        name = "" if setting == "bind" else f"{setting}: "
        assert f": {name}cannot listen on {address}: {why}" in str(refused.value)
        scrapers.wait_for_each()
        assert scrapers.failures == []
        with pytest.raises(ConnectionRefusedError):
            ask(added)
        if preload:  # else the stale path is replaced, and removed afterwards
            assert set(site.folder.iterdir()) == before
        assert "exited" not in server.log
        assert len(listeners_of(server.pid)) == 4


def test_no_client_of_an_old_address_is_lost_to_a_new_one_that_overlaps(site, taken):
    host, port = free_address()
    old = {"bind": f"0.0.0.0:{port}", **site.settings}
    site.configure(old)
    with site.serve(bind=None), Scrapers(((host, port), "/")) as scrapers:
        site.configure({**old, "bind": f"0.0.0.0:{port},{host}:{port}", "prometheus": taken})
        for _ in range(10):
            scrapers.wait_for_each()
            with pytest.raises(Refused, match="address already in use"):
                site.reload()
        assert scrapers.failures == []
        assert scrapers.longest < 0.9  # a segment that was dropped is sent again after a second


@pytest.mark.parametrize("preload", [True, False])
@pytest.mark.parametrize(
    ("old", "setting", "new"),
    [
        ("prometheus", "bind", "0.0.0.0:{port}"),
        ("prometheus", "bind", "127.0.0.1:{port}"),
        ("prometheus", "prometheus", "0.0.0.0:{port}"),
        ("health_bind", "health_bind", "[::]:{port}"),
        ("bind", "prometheus", "0.0.0.0:{port}"),
        ("status", "bind", "unix:{status}"),
    ],
)
def test_an_address_in_the_place_of_one_that_is_dropped_takes_two_reloads(
    site, old, setting, new, preload
):
    ports = {name: free_address()[1] for name in ("bind", "prometheus", "health_bind")}
    before = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    before["status"] = f"unix:{site.status}"
    address = new.format(port=ports.get(old), status=site.status)
    site.configure(before)
    with site.serve(bind=None, workers=1, preload_app=preload) as server:
        if old == "status":
            moved = {**before, "status": f"unix:{site.folder}/other"}
        else:
            moved = {**before, old: _text(free_address())}
        moved[setting] = address
        site.configure(moved)
        server.signal(signal.SIGHUP)
        why = f"cannot listen on {address}: address already in use (this server itself listens at"
        wait_until(lambda: f"{why} {before[old]}: choose another address with --" in server.log)
        assert "first without the one that is there)" in server.log
        assert len(listeners_of(server.pid)) == 4

        site.configure({**before, old: moved[old] if old != setting else _text(free_address())})
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: generation 2" in server.log)
        site.configure(moved)
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: generation 3" in server.log)
        where = str(site.status) if old == "status" else ("127.0.0.1", ports[old])
        wait_until(lambda: ask(where, "/") in (200, 404))
        assert "exited" not in server.log


def test_addresses_that_exclude_each_other_cancel_a_reload(site):
    with site.serve() as server:
        address = _text(free_address())
        site.configure({**site.settings, "prometheus": address, "health_bind": address})
        with pytest.raises(Refused, match=f"cannot listen on {address}: address already in use"):
            site.reload()
        assert len(listeners_of(server.pid)) == 4


def test_new_addresses_are_served_after_the_reload(site):
    with site.serve(), site.scrapers() as scrapers:
        address, stale = free_address(), site.folder / "stale"
        leave_path(stale)
        more = f",{_text(address)},unix:{stale}"
        site.configure({**site.settings, "prometheus": site.settings["prometheus"] + more})
        assert site.reload() == 0
        scrapers.wait_for_each()

        assert ask(address, "/metrics") == ask(str(stale), "/metrics") == 200
        assert scrapers.failures == []
