"""The variables that gunicorn reads are read, at gunicorn's place among the sources."""

from urllib.request import urlopen

import pytest

from hookserve.errors import UsageError
from hookserve.launch.assembly import assemble
from hookserve.testing import serve


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config_of(environ, *arguments):
    return assemble([*arguments, "app"], environ).config


def test_its_arguments_are_below_the_command_line_and_above_the_file(here):
    (here / "gunicorn.conf.py").write_text("workers = 2\ntimeout = 2\nbacklog = 2")
    environ = {"GUNICORN_CMD_ARGS": "--workers 3 --timeout=3 --access-logfile -"}

    config = config_of(environ, "--timeout", "4")

    assert (config.workers, config.origin("workers")) == (3, "GUNICORN_CMD_ARGS")
    assert (config.timeout, config.origin("timeout")) == (4.0, "command line")
    assert (config.backlog, config.origin("backlog")) == (2, "gunicorn.conf.py")
    assert config.accesslog == "-"


def test_its_arguments_may_name_the_file(here):
    (here / "other.py").write_text("workers = 2")

    assert config_of({"GUNICORN_CMD_ARGS": "-c other.py"}).origin("workers") == "other.py"


def test_our_own_variables_win_over_its(here):
    environ = {"GUNICORN_CMD_ARGS": "-w 3", "HOOKSERVE_CMD_ARGS": "-w 4"}

    assert config_of(environ).origin("workers") == "HOOKSERVE_CMD_ARGS"


@pytest.mark.parametrize("text", ["--workers '3", "--wrokers 3"])
def test_arguments_that_cannot_be_read_are_refused(here, text):
    with pytest.raises(UsageError, match=r"GUNICORN_CMD_ARGS cannot be split|unknown option"):
        config_of({"GUNICORN_CMD_ARGS": text})


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("FORWARDED_ALLOW_IPS", "*", "forwarded_allow_ips", ("*", "unix:")),
        ("SENDFILE", "y", "sendfile", True),
        ("SENDFILE", "0", "sendfile", False),
        ("SENDFILE", "never", "sendfile", False),
        ("PORT", "8001", "bind", ("0.0.0.0:8001",)),
        ("WEB_CONCURRENCY", "5", "workers", 5),
    ],
)
def test_a_variable_gives_a_default(here, variable, text, name, value):
    config = config_of({variable: text})

    assert (getattr(config, name), config.origin(name)) == (value, variable)

    (here / "gunicorn.conf.py").write_text(f"{name} = {config.get(name)!r}")

    assert config_of({variable: text}).origin(name) == "gunicorn.conf.py"


def test_without_the_plugin_they_are_not_read(here):
    environ = {"GUNICORN_CMD_ARGS": "-w 3", "SENDFILE": "0"}

    assert config_of(environ, "-P", "no:gunicorn").is_default("workers")


SOFTWARE = """
import os

def application(environ, start_response):
    start_response("200 OK", [])
    return [f"{environ['SERVER_SOFTWARE']} {os.environ['SERVER_SOFTWARE']}".encode()]
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("file", "variable", "expected"),
    [
        ("", None, b"hookserve hookserve"),
        ("", "shop/1", b"shop/1 shop/1"),
        ("raw_env = ['SERVER_SOFTWARE=shop/2']", "shop/1", b"shop/2 shop/2"),
        ("import gunicorn\ngunicorn.SERVER_SOFTWARE = 'shop/3'", "shop/1", b"shop/3 shop/3"),
        ("import gunicorn", None, b"hookserve hookserve"),
    ],
)
def test_what_serves_is_said_in_both_environments(tmp_path, file, variable, expected):
    (tmp_path / "app.py").write_text(SOFTWARE)
    (tmp_path / "gunicorn.conf.py").write_text(file)
    variables = {"SERVER_SOFTWARE": variable} if variable else {}
    with serve("app", chdir=tmp_path, environ=variables) as server:
        assert urlopen(server.url, timeout=10).read() == expected
