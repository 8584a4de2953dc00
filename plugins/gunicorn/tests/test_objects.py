"""The objects that the hooks of a gunicorn configuration file are given, in a running server."""

import json
import os
import re
import signal
import weakref
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
from hookserve_gunicorn.objects.configuration import Config, of_file
from hookserve_gunicorn.objects.hooks import Objects, adapt
from hookserve_gunicorn.objects.names import GUNICORN_HOOKS, no_hook
from hookserve_gunicorn.objects.request import Request, Response
from hookserve_http.request import RequestView

from hookserve.config.resolved import Config as NativeConfig
from hookserve.launch.assembly import assemble
from hookserve.plugins.host import PluginHost
from hookserve.testing.fakes import StandInWorker, configure
from hookserve.testing.server import serve
from hookserve.worker.base import Worker as NativeWorker

CONFIGURATION = """
import json, os

raw_env = ["MODE=test"]

def note(event, **values):
    line = json.dumps({"event": event, **values}, default=str)
    with open("notes", "a") as file:
        file.write(line + "\\n")

def on_starting(server):
    server.label = "mine"
    server.num_workers = 2
    note("on_starting", workers=server.app.cfg.workers,
         settings=server.cfg.settings["workers"].get(),
         section=server.cfg.settings["workers"].section, config=server.cfg.config,
         dirty=(server.dirty_arbiter, server.dirty_arbiter_pid))

def when_ready(server):
    note("when_ready", num_workers=server.num_workers, pidfile=server.pidfile,
         timeout=server.timeout, kind=server.worker_class.__name__, level=server.log.loglevel,
         log=server.log.error_log.name)

def pre_fork(server, worker):
    worker.label = f"worker {worker.age}"
    note("pre_fork", pid=worker.pid, age=worker.age, alive=worker.alive)

def post_fork(server, worker):
    note("post_fork", label=worker.label, age=worker.age, ppid=worker.ppid, timeout=worker.timeout,
         booted=worker.booted, aborted=worker.aborted, alive=worker.alive, nr=worker.nr,
         sockets=len(worker.sockets), wsgi=worker.wsgi, server_label=server.label,
         num_workers=server.num_workers, env=server.cfg.env, address=server.address,
         is_ssl=server.app.cfg.is_ssl, name=server.cfg.worker_class_str, absent=server.cfg.reload,
         connections=worker.worker_connections, uid=server.cfg.uid,
         heartbeat=worker.tmp.last_update() > 0)

def post_worker_init(worker):
    note("post_worker_init", callable=worker.app.callable is worker.wsgi is not None)

def pre_request(worker, req):
    req.label = worker.label
    req.scheme = "https"
    req.headers.append(("X-Added", "yes"))

def post_request(worker, req, environ, resp):
    note("post_request", cfg=(req.cfg.workers, req.limit_request_line), label=req.label,
         length=resp.response_length, sent=resp.headers_sent,
         chunked=resp.chunked, booted=worker.booted, nr=worker.nr, same=resp.req is req)

def child_exit(server, worker):
    note("child_exit", label=worker.label, listed=worker.pid in server.WORKERS, native=worker.state)

def on_exit(server):
    note("on_exit", label=server.label, workers=len(server.WORKERS))
"""

APPLICATION = """
def application(environ, start_response):
    body = (environ["wsgi.url_scheme"] + " " + environ.get("HTTP_X_ADDED", "no")).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "gunicorn.conf.py").write_text(CONFIGURATION)
    return tmp_path


def notes(site):
    found = {}
    for line in (site / "notes").read_text().splitlines():
        note = json.loads(line)
        found.setdefault(note.pop("event"), []).append(note)
    return found


@pytest.mark.process
def test_the_objects_of_a_server_have_what_public_files_use(site):
    with serve("app", chdir=site) as server:
        server.wait_for("ready", count=2)
        body = urlopen(server.url, timeout=10).read()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(10)
    seen = notes(site)

    assert body == b"https yes"
    (starting,) = seen["on_starting"]
    assert (starting["workers"], starting["settings"], starting["dirty"]) == (1, 1, [None, 0])
    assert (starting["section"], starting["config"]) == ("Worker Processes", "./gunicorn.conf.py")
    (ready,) = seen["when_ready"]
    assert (ready["num_workers"], ready["pidfile"], ready["timeout"]) == (2, None, 30)
    assert (ready["kind"], ready["level"], ready["log"]) == ("SyncWorker", 20, "hookserve")
    assert seen["pre_fork"] == [{"pid": "[booting]", "age": age, "alive": True} for age in (1, 2)]
    assert sorted(each["label"] for each in seen["post_fork"]) == ["worker 1", "worker 2"]
    forked = seen["post_fork"][0]
    assert (forked["ppid"], forked["timeout"]) == (server.pid, 15)
    assert isinstance(ready["timeout"], int)
    assert (forked["booted"], forked["aborted"], forked["alive"]) == (False, False, True)
    assert (forked["nr"], forked["sockets"], forked["wsgi"]) == (0, 1, None)
    assert (forked["server_label"], forked["num_workers"]) == ("mine", 2)
    assert (forked["env"], forked["address"]) == ({"MODE": "test"}, [["127.0.0.1", 0]])
    assert (forked["is_ssl"], forked["name"], forked["absent"]) == (None, "sync", False)
    assert forked["connections"] == 1000
    assert forked["heartbeat"]
    assert seen["post_worker_init"][0] == {"callable": True}
    (request,) = seen["post_request"]
    assert (request["label"][:7], request["length"]) == ("worker ", 9)
    assert (request["sent"], request["chunked"], request["booted"]) == (True, False, True)
    assert (request["nr"], request["same"]) == (1, True)
    assert request["cfg"] == [1, 4094]
    assert sorted(each["label"] for each in seen["child_exit"]) == ["worker 1", "worker 2"]
    assert {each["native"] for each in seen["child_exit"]} == {"gone"}
    assert seen["on_exit"] == [{"label": "mine", "workers": 0}]


def request(**environ):
    view = RequestView()
    view.environ = {"wsgi.url_scheme": "http", "RAW_URI": "/#end", **environ}
    return Request(view, view.environ), view


def test_a_request_is_one_object_for_both_hooks_and_is_gone_without_the_garbage_collector():
    seen = []
    pre = adapt("pre_request", lambda worker, req: seen.append(req), ("worker", "req"))
    post = adapt("post_request", lambda worker, req: seen.append(req), ("worker", "req"))
    _, view = request()
    worker = StandInWorker(lambda environ, start_response: [], configure({}))

    pre(worker, view, view.environ)
    post(worker, view, view.environ, None)

    assert seen[0] is seen[1]
    gone = weakref.ref(seen.pop())
    seen.clear()
    assert gone() is None


def test_headers_that_a_hook_replaces_are_in_the_environ():
    made, view = request(HTTP_A="1", HTTP_B="2")

    made.headers = [("C", "3")]
    made.headers = [("B", "4")]
    made.apply_headers()

    assert {key: each for key, each in view.environ.items() if key.startswith("HTTP_")} == {
        "HTTP_B": "4"
    }


def test_headers_that_pre_request_appends_removes_or_changes_are_in_the_environ():
    made, view = request(HTTP_A="1", HTTP_B="2", CONTENT_TYPE="text/plain")
    made.headers.append(("X-NEW", "n"))
    made.headers.append(("X-NEW", "m"))
    made.headers.remove(("B", "2"))

    made.apply_headers()

    found = {key: value for key, value in view.environ.items() if key.startswith("HTTP_")}
    assert found == {"HTTP_A": "1", "HTTP_X_NEW": "n,m"}
    assert view.environ["CONTENT_TYPE"] == "text/plain"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/shop/a%20b?c=/d#e", "/shop/a%20b"),
        ("//shop//a?b", "//shop//a"),
        ("http://host/a%2Fb?c", "/a%2Fb"),
        ("*", "*"),
    ],
)
def test_a_path_is_that_of_the_target_as_it_was_sent(target, path):
    made, _ = request(RAW_URI=target, SCRIPT_NAME="/shop", PATH_INFO="/a b")

    assert (made.uri, made.path) == (target, path)


def test_what_pre_request_changes_of_the_target_is_in_the_environ():
    made, view = request(RAW_URI="/shop/a?b=c", SCRIPT_NAME="/shop", PATH_INFO="/a")
    made.uri = "/other"
    assert made.path == "/shop/a", "as in gunicorn, each by itself"

    made.path = "/shop/n%C3%A9w%2F"
    made.query = "z=1"
    made.method = "PUT"

    names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "RAW_URI")
    assert [view.environ[name] for name in names] == [
        "PUT",
        "/shop",
        "/n\u00c3\u00a9w/",
        "z=1",
        "/other",
    ]
    assert (made.method, made.path, made.query) == ("PUT", "/shop/n%C3%A9w%2F", "z=1")
    made.path = "/elsewhere"
    assert view.environ["PATH_INFO"] == "/elsewhere"


def test_an_unchanged_request_leaves_the_environ_alone():
    made, view = request(HTTP_A="1")
    before = dict(view.environ)

    made.apply_headers()

    assert view.environ == before


def test_a_request_has_the_clients_address_and_its_wish_for_the_connection():
    made, _ = request(
        REMOTE_ADDR="::1",
        REMOTE_PORT="99",
        SERVER_PROTOCOL="HTTP/1.0",
        HTTP_CONNECTION="keep-alive",
    )

    assert (made.remote_addr, made.peer_addr, made.fragment) == (("::1", 99), ("::1", 99), "end")
    assert not made.should_close()


def test_a_response_knows_its_framing():
    native = SimpleNamespace(status="200 OK", headers=[("content-length", "5")], persists=True)
    response = Response(native, request()[0])

    assert (response.response_length, response.headers_sent) == (5, True)
    assert response.version == "hookserve"
    assert not response.is_chunked()
    assert not response.should_close()


def test_a_missing_attribute_is_named():
    with pytest.raises(AttributeError, match="gunicorn's Request has no 'nothing' in hookserve"):
        _ = request()[0].nothing


class File:
    """A configuration with the objects of a file's hooks."""

    def __init__(self, **values):
        self.host = PluginHost()
        self.cfg = Config(configure({"wsgi_app": "shop:app", **values}), self.host)


def test_a_configuration_has_gunicorns_defaults():
    cfg = File().cfg

    assert (cfg.proc_name, cfg.default_proc_name) == ("shop:app", "shop:app")
    assert (cfg.threads, cfg.umask, cfg.chdir, cfg.pythonpath) == (1, 0, os.getcwd(), None)
    assert (cfg.cert_reqs, cfg.settings["umask"].get()) == (0, 0)


def test_a_configuration_has_what_was_set():
    cfg = File(proc_name="shop", threads=3, umask="022", pythonpath=["a", "b"]).cfg

    assert (cfg.proc_name, cfg.threads, cfg.umask, cfg.pythonpath) == ("shop", 3, 0o22, "a,b")
    assert File(worker_class="gthread").cfg.threads == 4


def test_a_configuration_says_where_its_values_are_from():
    cfg = File(certfile="c.pem", raw_paste_global_conf=[r"a\=b=c=d"]).cfg

    assert (cfg.is_ssl, cfg.config) == ("c.pem", "./gunicorn.conf.py")
    assert cfg.paste_global_conf == {"a=b": "c=d"}
    assert File(config="deploy.py").cfg.config == "deploy.py"
    assert cfg.settings["threads"].section == "Worker Processes"
    assert cfg.settings["tick_interval"].section == "hookserve"


def test_a_setting_of_a_plugin_that_is_off_is_an_item_with_its_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assembly = assemble(["app"], {})
    cfg = Config(assembly.config, assembly.host)

    assert (cfg.proxy_protocol, cfg.statsd_host, cfg.health_prefix) == ("off", None, "/-/")
    assert set(cfg.settings) >= {"proxy_protocol", "health_prefix", "workers"}
    item = cfg.settings["health_prefix"]
    assert (item.get(), item.default) == ("/-/", "/-/")
    assert assembly.host.record_of("health").state == "off"


def test_an_item_of_the_settings_has_the_value_as_it_was_set_and_the_default():
    items = File(worker_class="gthread").cfg.settings

    assert items["worker_class"].get() == "gthread"
    assert items["proc_name"].get() is None
    assert items["workers"].default == 1
    assert (items["statsd_prefix"].default, items["reload_engine"].default) == ("", "auto")
    assert items["post_fork"].default is no_hook


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:9125", ("localhost", 9125)),
        ("[::1]:9125", ("::1", 9125)),
        ("localhost", ("localhost", 8125)),
        ("unix:///run/statsd", "/run/statsd"),
        (None, None),
    ],
)
def test_the_address_of_statsd_has_gunicorns_form(text, expected):
    found = NativeConfig({"statsd_host": text}, {})

    assert Config(found, PluginHost()).statsd_host == expected


def test_a_configuration_is_shown_as_gunicorns():
    lines = str(File(workers=3).cfg).splitlines()

    assert any(re.fullmatch("workers += 3", line) for line in lines)
    assert lines == sorted(lines)


class Aborted(NativeWorker):
    """A worker as far as it matters here."""

    alive = True

    def __init__(self):
        """It has no process."""

    def run(self):
        raise NotImplementedError

    drain = run


def test_a_worker_that_is_aborted_is_not_alive():
    objects = Objects()
    worker = objects.worker(Aborted())
    assert worker.alive

    objects.worker_abort(worker.native)

    assert (worker.aborted, worker.alive) == (True, False)


@pytest.mark.parametrize("name", GUNICORN_HOOKS)
def test_a_hook_is_a_setting_of_the_configuration(name):
    file = File()
    assert callable(getattr(file.cfg, name))

    of_file(file.host).module = SimpleNamespace(**{name: print})

    assert getattr(file.cfg, name) is file.cfg.settings[name].get() is print


def test_a_value_that_a_hook_sets_is_seen_by_hooks_and_said_to_be_nothing_more(caplog):
    file = File()
    with caplog.at_level("WARNING", "hookserve"):
        file.cfg.set("workers", 2)

    assert (file.cfg.workers, Config(file.cfg.native, file.host).settings["workers"].get()) == (
        2,
        2,
    )
    assert "only hooks see this value of workers" in caplog.text
    with pytest.raises(AttributeError, match="No configuration setting for: wrokers"):
        file.cfg.set("wrokers", 2)
    with pytest.raises(AttributeError, match="Invalid access!"):
        file.cfg.workers = 3
