"""PasteDeploy starts the server that an .ini file names."""

import sys
from urllib.request import urlopen

import pytest
from hookserve_gunicorn import paste

from hookserve.testing.server import serve_command

INI = """
[app:main]
paste.app_factory = application:make
word = deployed

[server:main]
use = egg:hookserve#main
host = 127.0.0.1
port = 0
workers = 2
"""

APPLICATION = """
def make(global_conf, word):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [word.encode()]
    return application
"""

PROGRAM = """
import os, sys
from paste.deploy import loadapp, loadserver
sys.path.insert(0, os.getcwd())
here = os.getcwd()
loadserver("config:site.ini", relative_to=here)(loadapp("config:site.ini", relative_to=here))
"""


@pytest.mark.process
def test_the_server_runner_serves_the_applications_of_the_file(tmp_path):
    (tmp_path / "site.ini").write_text(INI)
    (tmp_path / "application.py").write_text(APPLICATION)
    with serve_command([sys.executable, "-c", PROGRAM], chdir=tmp_path, workers=2) as server:
        assert urlopen(server.url, timeout=10).read() == b"deployed"
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("given", "bind"),
    [
        ({"host": "::1", "port": "80"}, "[::1]:80"),
        ({"host": "0.0.0.0"}, "0.0.0.0:8000"),
        ({"port": "9"}, "127.0.0.1:9"),
        ({"bind": "unix:s"}, "unix:s"),
        ({}, None),
    ],
)
def test_host_and_port_are_the_address(monkeypatch, given, bind):
    calls = []
    monkeypatch.setattr(paste, "serve", lambda settings, load, **more: calls.append(settings))

    paste.run(print, {}, **given)

    assert calls[0].get("bind") == bind


@pytest.mark.parametrize(
    ("text", "is_logging"), [("[loggers]\nkeys=root\n", True), ("[a]\n", False)]
)
def test_the_files_loggers_are_the_logging_configuration(tmp_path, monkeypatch, text, is_logging):
    calls = []
    monkeypatch.setattr(paste, "serve", lambda settings, load, **more: calls.append(settings))
    path = tmp_path / "site.ini"
    path.write_text(text)

    paste.run(print, {"__file__": str(path)}, workers="2")

    assert calls[0].get("logconfig") == (str(path) if is_logging else None)
    assert calls[0]["workers"] == "2"
