"""gunicorn's classes for embedding, on hookserve."""

import subprocess
import sys
from contextlib import suppress
from urllib.request import urlopen

import pytest
from hookserve_gunicorn.applications import Application, BaseApplication, WSGIApplication, run
from hookserve_gunicorn.objects.names import GUNICORN_HOOKS

from hookserve import ConfigError
from hookserve.testing.server import serve_command

PROGRAM = """
from hookserve_gunicorn.applications import BaseApplication, WSGIApplication

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(environ["wsgi.multithread"]).encode()]

def post_fork(server, worker):
    open("forked", "a").write(f"{worker.age} ")

class Standalone(BASE):
    def __init__(self, app, options):
        self.options, self.application = options, app
        super().__init__()

    def load_config(self):
        config = {k: v for k, v in self.options.items() if k in self.cfg.settings and v is not None}
        for key, value in config.items():
            self.cfg.set(key.lower(), value)

    def load(self):
        return self.application

if __name__ == "__main__":
    options = {"bind": "127.0.0.1:0", "workers": 2, "worker_class": "gthread", "unknown": 1,
               "post_fork": post_fork}
    Standalone(application, options).run()
"""


@pytest.mark.process
@pytest.mark.parametrize("base", ["BaseApplication", "WSGIApplication"])
def test_a_derived_application_serves_with_its_settings_and_hooks(tmp_path, base):
    (tmp_path / "program.py").write_text(PROGRAM.replace("BASE", base))
    with serve_command([sys.executable, "program.py"], chdir=tmp_path, workers=2) as server:
        assert urlopen(server.url, timeout=10).read() == b"True"
        assert sorted((tmp_path / "forked").read_text().split()) == ["1", "2"]
        assert server.stop() == 0


def test_an_unknown_setting_is_refused_as_gunicorn_refuses_it():
    with pytest.raises(AttributeError, match="No configuration setting for: wrokers"):
        BaseApplication().cfg.set("wrokers", 2)


def test_settings_are_read_as_they_are():
    application = WSGIApplication("usage", prog="prog")
    application.cfg.set("workers", 3)

    assert application.cfg.workers == 3
    assert application.cfg.timeout == 30
    assert "statsd_host" in application.cfg.settings
    assert application.cfg.settings["workers"].get() == 3
    assert application.cfg.settings["workers"].default == 1
    with pytest.raises(AttributeError):
        _ = application.cfg.wrokers


@pytest.mark.parametrize("name", GUNICORN_HOOKS)
def test_each_hook_is_a_setting(name):
    application = BaseApplication()

    assert callable(getattr(application.cfg, name))
    application.cfg.set(name, print)

    assert application.cfg.settings[name].get() is getattr(application.cfg, name) is print


def test_the_application_is_loaded_once():
    calls = []

    class Application(BaseApplication):
        def load(self):
            calls.append("load")
            return print

    application = Application()

    assert application.wsgi() is application.wsgi() is print
    assert calls == ["load"]


def test_a_base_without_an_application_says_so():
    with pytest.raises(NotImplementedError):
        BaseApplication().load()


def application(environ, start_response):
    raise NotImplementedError


def make(name):
    return application


HERE = f"{__name__}:make('x')"


@pytest.fixture
def command_line(monkeypatch):
    """Sets the program's command line."""
    return lambda *words: monkeypatch.setattr(sys, "argv", ["program.py", *words])


@pytest.mark.parametrize(
    ("start", "flag", "expected"),
    [
        (lambda: WSGIApplication().run(), "--version", "hookserve 0"),
        (lambda: WSGIApplication().run(), "--help", "usage: "),
        (lambda: WSGIApplication().run(), "--list-workers", "sync"),
        (run, "-v", "hookserve 0"),
    ],
)
def test_a_command_line_that_asks_for_something_else_than_a_server_gets_it(
    command_line, capsys, start, flag, expected
):
    command_line(flag, "nothing_there:app")
    with suppress(SystemExit):
        start()

    assert expected in capsys.readouterr().out


OWN_CONFIG = """
from hookserve_gunicorn.applications import WSGIApplication

def make(name):
    return lambda environ, start_response: ...

class Standalone(WSGIApplication):
    def __init__(self):
        self.app_uri = "program:make('x')"
        super().__init__()

    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("when_ready", lambda server: server.halt())

if __name__ == "__main__":
    Standalone().run()
"""


@pytest.mark.process
def test_a_load_config_of_its_own_may_name_the_file(tmp_path):
    (tmp_path / "program.py").write_text(
        OWN_CONFIG.replace(
            'self.cfg.set("bind"', 'self.load_config_from_file("m.py"); self.cfg.set("bind"'
        )
    )
    (tmp_path / "m.py").write_text("1 / 0\n")
    found = subprocess.run(
        [sys.executable, "program.py", "--stage"], capture_output=True, text=True, cwd=tmp_path
    )

    assert found.returncode == 1
    assert "the configuration file m.py failed: ZeroDivisionError" in found.stderr


@pytest.mark.process
def test_a_load_config_of_its_own_leaves_the_command_line_to_the_program(tmp_path):
    (tmp_path / "program.py").write_text(OWN_CONFIG)
    (tmp_path / "gunicorn.conf.py").write_text("raise ValueError('this file is not read')\n")
    found = subprocess.run(
        [sys.executable, "program.py", "--stage", "production", "-v"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )

    assert found.returncode == 0, found.stderr
    assert "hookserve 0" in found.stderr, "it has served"


def test_init_gives_settings_below_those_of_the_command_line(command_line, monkeypatch):
    class Program(Application):
        def init(self, parser, opts, args):
            given.append((opts.proxy_protocol, opts.timeout, args))
            return {"workers": 3, "keepalive": 7, "BACKLOG": 9, "graceful_timeout": 11}

    given = []
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--graceful-timeout 12")
    command_line("--keep-alive", "5", "--proxy-protocol", "v1", "some:app")

    assert Program().cfg.values == {"workers": 3, "backlog": 9}
    assert given == [("v1", None, ["some:app"])]


@pytest.mark.parametrize("has_init", [False, True])
def test_a_load_may_wrap_the_application_that_the_command_line_names(command_line, has_init):
    class Wrapping(WSGIApplication):
        def load(self):
            return "wrapped", super().load(), self.load_wsgiapp()

    if has_init:
        Wrapping.init = lambda self, *arguments: super(Wrapping, self).init(*arguments)
    command_line("--timeout", "9", HERE)

    assert Wrapping().wsgi() == ("wrapped", application, application)


def test_without_a_name_there_is_nothing_to_load(command_line):
    command_line()
    with pytest.raises(ConfigError, match="no application"):
        WSGIApplication().load()


@pytest.mark.parametrize("base", [BaseApplication, WSGIApplication])
def test_what_load_config_raises_is_one_line(capsys, base):
    class Wrong(base):
        def load_config(self):
            self.cfg.set("nix", 1)

    with pytest.raises(SystemExit) as ended:
        Wrong()

    assert ended.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "No configuration setting for: nix" in lines[0]


def test_a_command_line_that_is_wrong_is_left_to_the_run(command_line, capsys):
    command_line("--wrokers", "2", HERE)
    program = WSGIApplication()
    with pytest.raises(SystemExit) as ended:
        program.run()

    assert ended.value.code == 2
    assert "did you mean '--workers'" in capsys.readouterr().err
