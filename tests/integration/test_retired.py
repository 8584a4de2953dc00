"""The object that a plugin makes for a configuration is told when it is not used any more."""

import signal

import pytest
from support import installed
from support.command import hookserve

from hookserve.testing import serve, wait_until

PLUGIN = """
import os
from pathlib import Path
from hookserve import Setting, hookimpl
from hookserve.config.values import integer


@hookimpl
def settings():
    return [Setting("wave", 1, integer, "how to wave")]


@hookimpl
def configured_plugins(config):
    return [Wave(config.wave)]


class Wave:
    def __init__(self, number):
        self.pid = os.getpid()
        self.path = Path(f"open-{number}")
        self.path.touch()

    @hookimpl
    def on_exit(self, server):
        assert self.path.exists()

    @hookimpl
    def retired(self):
        assert os.getpid() == self.pid, "called in another process"
        self.path.unlink()
"""
APPLICATION = "def application(environ, start_response): ...\n"


@pytest.fixture
def site(tmp_path):
    installed.install(tmp_path / "lib", "hookserve-x", {"x": "x"}, {"x.py": PLUGIN})
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


def opened(site):
    """The numbers of the objects that are in use."""
    return sorted(path.name.removeprefix("open-") for path in site.glob("open-*"))


def configure(site, number, bind="127.0.0.1:0"):
    (site / "hookserve.toml").write_text(f'wave = {number}\nbind = "{bind}"\n')


def serving(site):
    configure(site, 1)
    return serve("app", bind=None, chdir=site, environ={"PYTHONPATH": str(site / "lib")})


def test_reload_refused_reload_and_stop_leave_one_object_or_none(site):
    with serving(site) as server:
        assert opened(site) == ["1"]
        configure(site, 2)
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded: generation 2" in server.log)
        assert opened(site) == ["2"]

        # The object is there when the address turns out to be wrong.
        configure(site, 3, bind="unix:/nowhere/at/all")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "the reload was cancelled" in server.log)
        assert opened(site) == ["2"]

        configure(site, 4)
        (site / "app.py").write_text("1 / 0\n")
        server.signal(signal.SIGHUP)
        wait_until(lambda: server.log.count("the reload was cancelled") == 2)
        assert opened(site) == ["2"]

        assert server.stop() == 0
        assert opened(site) == []
        assert "Traceback" not in server.log.partition("stopping")[2]


def test_a_stop_while_a_new_generation_boots_leaves_none(site):
    (site / "app.py").write_text(f"import os, time\n{APPLICATION}")
    with serving(site) as server:
        configure(site, 2)
        (site / "app.py").write_text(
            "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\n" + APPLICATION
        )
        server.signal(signal.SIGHUP)
        wait_until(lambda: opened(site) == ["1", "2"])
        wait_until(lambda: server.log.count(") booting") == 2)
        server.signal(signal.SIGINT)
        wait_until(lambda: "stopping" in server.log)
        (site / "go").touch()
        server.wait()

        assert opened(site) == []


def test_a_check_and_a_start_that_fails_leave_none(site):
    result = hookserve("--check-config", "app", cwd=site, path=site / "lib")
    assert (result.returncode, opened(site)) == (0, [])

    arguments = ["--preload", "-b", "127.0.0.1:0", "app"]
    (site / "app.py").write_text("1 / 0\n")
    for each in (["--check-config", *arguments], arguments, arguments[1:]):
        result = hookserve(*each, cwd=site, path=site / "lib")
        assert (result.returncode, opened(site)) == (3, [])
        assert "ZeroDivisionError" in result.stderr
