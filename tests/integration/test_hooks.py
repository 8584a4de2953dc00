"""Hooks in a running server: gunicorn's file as it is, and implementations that raise."""

import os
import re
import signal

import httpx
import pytest
from support import installed, web
from support.paths import SUPPORT

from hookserve.testing import ServerFailed, serve, wait_until

HERE = SUPPORT

GUNICORN_FILE = """
import os

bind = "127.0.0.1:0"
workers = 2

def note(*words):
    with open("notes", "a") as file:
        print(*words, file=file)

def on_starting(server): note("on_starting")
def when_ready(server): note("when_ready")
def pre_fork(server, worker): note("pre_fork", worker.pid)
def post_fork(server, worker): note("post_fork", worker.pid == os.getpid())
def post_worker_init(worker): note("post_worker_init")
def pre_request(worker, req): note("pre_request", req.method, req.path)
def post_request(worker, req, environ, resp):
    note("post_request", resp.status, environ["PATH_INFO"])
def worker_exit(server, worker): note("worker_exit", worker.pid == os.getpid())
def child_exit(server, worker): note("child_exit", worker.pid != os.getpid())
def nworkers_changed(server, new_value, old_value): note("nworkers_changed", new_value, old_value)
def on_exit(server): note("on_exit")
"""

APPLICATION = (
    "def application(environ, start_response):\n"
    "    start_response('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n"
)

RAISING = (
    "@hookimpl\n"
    "def {hook}():\n    open('called', 'a').write('{hook}\\n')\n"
    "    raise ValueError('from {hook}')\n"
)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


def raising(site, *hooks):
    source = "from hookserve import hookimpl\n" + "".join(
        RAISING.format(hook=each) for each in hooks
    )
    installed.install(site / "lib", "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": source})
    return {"PYTHONPATH": str(site / "lib")}


def test_a_gunicorn_file_works_as_it_is(site):
    (site / "hookserve.conf.py").write_text(GUNICORN_FILE)
    with serve("app", workers=2, chdir=site) as server:
        assert web.get(f"{server.url}/page").text == "ok"
        server.stop()

    notes = (site / "notes").read_text().splitlines()
    assert notes[:4] == [
        "on_starting",
        "when_ready",
        "nworkers_changed 2 None",
        "pre_fork [booting]",
    ]
    for line, count in [
        ("pre_fork [booting]", 2),
        ("post_fork True", 2),
        ("post_worker_init", 2),
        ("pre_request GET /page", 1),
        ("post_request 200 OK /page", 1),
        ("worker_exit True", 2),
        ("child_exit True", 2),
    ]:
        assert notes.count(line) == count, line
    assert notes[-1] == "on_exit"


@pytest.mark.parametrize(
    "hook", ["on_starting", "when_ready", "pre_fork", "settings", "configured_plugins"]
)
def test_before_serving_a_hook_that_raises_stops_the_start(site, hook):
    with pytest.raises(ServerFailed) as caught:
        with serve("app", chdir=site, environ=raising(site, hook)):
            pass

    last = str(caught.value).splitlines()[-1]
    assert re.match(rf"hookserve: plugin 'x' raised in {hook}: ValueError: from {hook}", last)
    assert "-P no:x" in last


@pytest.mark.parametrize("hook", ["post_fork", "post_worker_init", "app_wrappers"])
def test_in_a_booting_worker_a_hook_that_raises_fails_the_boot(site, hook):
    with serve("app", chdir=site, environ=raising(site, hook), wait=False) as server:
        gone = server.wait_for("exit")

        assert gone["kind"] == "boot failed"
        assert f"plugin 'x' raised in {hook}" in gone["detail"]
        assert server.wait() == 3


WHILE_SERVING = (
    "worker_ready",
    "pre_request",
    "post_request",
    "log_access",
    "worker_idle",
    "nworkers_changed",
    "server_tick",
    "child_exit",
    "worker_exit",
    "worker_draining",
    "on_exit",
    "reopen_logs",
)
EACH = [pytest.param([hook], marks=pytest.mark.everywhere, id=hook) for hook in WHILE_SERVING]


@pytest.mark.parametrize("hooks", [pytest.param(WHILE_SERVING, id="all"), *EACH])
def test_while_serving_a_hook_that_raises_is_contained(site, hooks):
    with serve("app", chdir=site, environ=raising(site, *hooks)) as server:
        for _ in range(3):
            assert web.get(server.url).text == "ok"
        server.signal(signal.SIGUSR1)
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_for("ready", count=2)
        assert web.get(server.url).text == "ok"

        assert server.stop() == 0
        for hook in hooks:
            assert f"plugin 'x' raised in {hook}: ValueError: from {hook}" in server.log

    assert set((site / "called").read_text().split()) == set(hooks)


def test_a_listener_that_hangs_is_named_with_its_request(site):
    (site / "hookserve.conf.py").write_text(
        "import time\ndef post_request(worker, req): time.sleep(60)\n"
    )
    limits = {"request_timeout": 0.5, "abort_timeout": 0.3}
    with serve("app", chdir=site, settings=limits) as server:
        assert web.get(f"{server.url}/hangs").text == "ok"

        gone = server.wait_for("exit")

        assert gone["kind"] == "timed out"
        assert "GET /hangs" in server.log


def test_an_interval_that_a_hook_fails_to_give_leaves_the_ticks_as_they_are(site):
    (site / "hookserve.conf.py").write_text(
        "def server_tick(): print('tick', file=open('ticks', 'a'))\n"
    )
    environ = raising(site, "tick_intervals")
    with serve("app", chdir=site, settings={"tick_interval": 0.05}, environ=environ) as server:
        wait_for_ticks(site, 3)

        assert "plugin 'x' raised in tick_intervals: ValueError" in server.log


def wait_for_ticks(site, count):
    ticks = site / "ticks"
    wait_until(lambda: ticks.exists() and ticks.read_text().count("tick") >= count)


@pytest.mark.parametrize("hook", ["on_reload", "settings"])
def test_a_hook_that_raises_at_a_reload_leaves_everything_as_it_was(site, hook):
    (site / "hookserve.conf.py").write_text("")
    with serve("app", chdir=site) as server:
        before = server.workers()
        (site / "hookserve.conf.py").write_text(
            "from hookserve import hookimpl\n@hookimpl\n"
            "def on_reload(server): raise ValueError('not now')\n"
            if hook == "on_reload"
            else "workers = 'several'\n"
        )
        server.signal(signal.SIGHUP)
        server.wait_for("reload failed")

        assert server.workers() == before
        assert web.get(server.url).text == "ok"


CONFIGURED = """
from hookserve import Setting, hookimpl
from hookserve.config.values import text

@hookimpl
def settings():
    return [Setting("greeting", "", text, "of a test")]

@hookimpl
def configured_plugins(config):
    return [Greeter(config.greeting)] if config.greeting else []

class Greeter:
    def __init__(self, word):
        self.word = word

    @hookimpl
    def worker_ready(self):
        with open("greetings", "a") as file:
            print(self.word, file=file)
"""


def test_what_a_setting_asks_for_takes_part_from_the_next_reload_on(site):
    installed.install(site / "lib", "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": CONFIGURED})
    with serve("app", chdir=site, environ={"PYTHONPATH": str(site / "lib")}) as server:
        for count, word in enumerate(("hello", "goodbye"), 2):
            (site / "hookserve.toml").write_text(f"greeting = '{word}'\n")
            server.signal(signal.SIGHUP)
            server.wait_for("ready", count=count)

    assert (site / "greetings").read_text().split() == ["hello", "goodbye"]


def test_a_plugin_decides_how_many_workers_there_are(site):
    (site / "hookserve.conf.py").write_text(
        "def target_workers(server, stats): return 3 if stats['requests'] else 1\n"
    )
    with serve("app", chdir=site, settings={"tick_interval": 0.1}) as server:
        assert web.get(server.url).text == "ok"

        server.wait_for("ready", lambda event: event["index"] == 2)


def test_a_reload_leaves_the_number_of_workers_to_the_plugin_that_decides_it(site):
    (site / "hookserve.conf.py").write_text(
        "def target_workers(server, stats): return 2 + int(stats['workers'])\n"
    )
    with serve("app", chdir=site) as server:
        server.wait_for("ready", lambda event: event["index"] == 2)
        server.signal(signal.SIGHUP)
        server.wait_for("ready", lambda event: event["generation"] == 2, count=3)

        assert [each["count"] for each in server.events if each["event"] == "wanted"] == [1, 3]


def test_whether_a_successor_serves_can_be_asked(site):
    (site / "hookserve.conf.py").write_text(
        "def server_tick(server):\n"
        "    upgrade = server.upgrade\n"
        "    print(upgrade.successor, upgrade.successor_serves, file=open('ticks', 'a'))\n"
    )
    (site / "app.py").write_text("import os\nwhile os.path.exists('hold'): pass\n" + APPLICATION)
    with serve("app", chdir=site, settings={"tick_interval": 0.05}) as server:
        (site / "hold").touch()
        server.signal(signal.SIGUSR2)
        successor = server.wait_for("listening", count=2)["pid"]
        wait_for_words(site, f"{successor} False")
        (site / "hold").unlink()
        wait_for_words(site, f"{successor} True")

        os.kill(successor, signal.SIGTERM)
        wait_for_words(site, "None False", after=f"{successor} True")


def wait_for_words(site, words, after=""):
    def have_come():
        text = (site / "ticks").read_text() if (site / "ticks").exists() else ""
        return words in text[text.find(after) :]

    wait_until(have_come)


def test_a_plugin_may_ask_for_more_frequent_ticks(site):
    source = (
        "from hookserve import hookimpl\n@hookimpl\n"
        "def tick_intervals(): return [0.05, 7]\n"
        "@hookimpl\ndef server_tick(): print('tick', file=open('ticks', 'a'))\n"
    )
    installed.install(site / "lib", "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": source})
    settings = {"tick_interval": 3600}
    environ = {"PYTHONPATH": str(site / "lib")}
    with serve("app", chdir=site, settings=settings, environ=environ):
        wait_for_ticks(site, 5)


def test_a_wrapper_goes_around_every_request(site):
    source = (
        "from hookserve import hookimpl\n@hookimpl\ndef app_wrappers(worker):\n"
        "    def wrap(app):\n"
        "        def wrapped(environ, start_response):\n"
        "            return [part.upper() for part in app(environ, start_response)]\n"
        "        return wrapped\n"
        "    return [wrap]\n"
    )
    installed.install(site / "lib", "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": source})
    with serve("app", chdir=site, environ={"PYTHONPATH": str(site / "lib")}) as server:
        assert web.get(server.url).text == "OK"


def test_a_reload_reads_the_configuration_file_again(site):
    (site / "hookserve.conf.py").write_text("raw_env = ['A=1']\n")
    with serve("app", chdir=site) as server:
        (site / "hookserve.conf.py").write_text(
            "def post_worker_init(worker): open('written', 'w').write('new file')\n"
        )
        server.signal(signal.SIGHUP)
        server.wait_for("ready", count=2)

        assert (site / "written").read_text() == "new file"


def test_a_relative_directory_means_the_same_at_every_reload(site):
    (site / "inner").mkdir()
    (site / "app.py").rename(site / "inner" / "app.py")
    with serve("app", chdir=site, settings={"chdir": "inner"}) as server:
        for count in (2, 3):
            server.signal(signal.SIGHUP)
            server.wait_for("ready", count=count)

        assert web.get(server.url).text == "ok"


def test_a_reload_adds_and_removes_addresses_and_keeps_the_others(site):
    """W8: what stays is never closed, what is new is open before what goes is closed."""

    def answers(name):
        with web.Client(transport=httpx.HTTPTransport(uds=str(site / name))) as client:
            return client.get("http://x/").text

    def configure(*names):
        lines = [f"unix:{site / name}" for name in names]
        (site / "hookserve.conf.py").write_text(f"bind = {lines!r}\n")

    configure("kept", "old")
    with serve("app", chdir=site, bind=None) as server:
        inode = (site / "kept").stat().st_ino
        assert answers("old") == "ok"
        configure("kept", "new")
        server.signal(signal.SIGHUP)
        server.wait_for("exit")

        assert answers("kept") == answers("new") == "ok"
        assert (site / "kept").stat().st_ino == inode
        server.stop()
        assert not [path for path in site.iterdir() if path.is_socket()]
