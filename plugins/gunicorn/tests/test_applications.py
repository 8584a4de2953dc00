"""gunicorn's classes for embedding, on hookserve."""

import sys
from urllib.request import urlopen

import pytest
from hookserve_gunicorn.applications import BaseApplication, WSGIApplication
from hookserve_gunicorn.objects.names import GUNICORN_HOOKS

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
