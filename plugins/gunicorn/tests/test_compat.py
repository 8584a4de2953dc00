"""``hookserve compat`` says what a gunicorn configuration does here."""

import json
import sys
import tomllib

import pytest
from hookserve_gunicorn.compat import run
from hookserve_gunicorn.logger_classes import make_logger
from hookserve_gunicorn.standin.glogging import CONFIG_DEFAULTS

from hookserve import HookserveError
from hookserve.launch.assembly import assemble
from hookserve.testing.fakes import configure

FILE = """
bind = ["127.0.0.1:8000", "unix:s"]
workers = 2
threads = 8
worker_tmp_dir = "/dev/shm"
spew = True
accesslog = "-"
loglevel = "INFO"
preload_app = True
raw_env = ["A=1", 'B="two"']
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
mine = "not a setting"
def post_fork(server, worker): pass
def when_ready(server): pass
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] == "gunicorn"]:
        del sys.modules[name]


def report(capsys, *arguments):
    """The sections of the report by their titles."""
    assert run(list(arguments)) == 0
    sections = {}
    for line in capsys.readouterr().out.splitlines():
        if line and not line.startswith(" "):
            title = line.rstrip(":")
            sections[title] = []
        elif line:
            sections[title].append(line.strip())
    return sections


def test_a_file_is_reported_setting_by_setting(here, capsys):
    (here / "g.py").write_text(FILE)

    found = report(capsys, "g.py")

    assert "loglevel = info" in found["works"]
    assert "bind = 127.0.0.1:8000, unix:s" in found["works"]
    assert sorted(found["hooks"]) == ["post_fork", "when_ready"]
    assert "worker_class is gthread because of threads=8" in found["differs"]
    assert any(line.startswith("keepalive is 15.0 by default, not 2") for line in found["differs"])
    assert found["ignored"][0] == "worker_tmp_dir: nothing is lost without it"
    assert found["ignored"][1].startswith("spew: lines are not traced")


def test_the_toml_is_the_same_configuration(here, capsys):
    (here / "g.py").write_text(FILE)

    found = report(capsys, "g.py")
    values = tomllib.loads("\n".join(found["the same as hookserve.toml"]))

    assert values == {
        "worker_class": "gthread",
        "bind": ["127.0.0.1:8000", "unix:s"],
        "workers": 2,
        "threads": 8,
        "accesslog": "-",
        "loglevel": "info",
        "preload_app": True,
        "raw_env": ["A=1", 'B="two"'],
        "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
    }
    (here / "g.py").unlink()
    (here / "hookserve.toml").write_text("\n".join(found["the same as hookserve.toml"]))
    again = report(capsys, "--", "app:app")
    assert tomllib.loads("\n".join(again["the same as hookserve.toml"])) == {
        **values,
        "wsgi_app": "app:app",
    }


@pytest.mark.parametrize("form", ["logconfig_dict", "logconfig_json"])
def test_the_toml_has_what_gunicorn_puts_under_a_logging_configuration(here, capsys, form):
    table = {"formatters": {"generic": {"format": "own %(message)s"}}}
    (here / "log.json").write_text(json.dumps(table))
    value = table if form == "logconfig_dict" else "log.json"
    (here / "g.py").write_text(f"{form} = {value!r}")

    text = "\n".join(report(capsys, "g.py")["the same as hookserve.toml"])
    (here / "hookserve.toml").write_text(text)
    config = assemble(["app"], {}).config

    assert getattr(config, form) == value
    assert config.logconfig_defaults == CONFIG_DEFAULTS


TABLE = """
import logging, pathlib, sys
class Quiet(logging.Filter): ...
def make(): return logging.NullHandler()
logconfig_dict = {
    "handlers": {
        "a": {"()": make, "filters": ["quiet"]},
        "b": {"class": "logging.StreamHandler", "stream": sys.__stdout__, "level": logging.INFO},
        "c": {"class": "logging.FileHandler", "filename": pathlib.Path("x"), "encoding": None},
    },
    "filters": {"quiet": {"()": Quiet}, "again": {"()": Quiet}},
    "root": {"handlers": ("a", "b")},
}
"""


def test_a_table_with_what_toml_cannot_write_stays_in_a_python_file(here, capsys):
    (here / "g.py").write_text(f"workers = 2\n{TABLE}")

    found = report(capsys, "g.py")["the same as hookserve.toml"]

    assert (
        "# logconfig_dict stays in a Python file: TOML cannot write make, <stdout>, None, Quiet"
        in found
    )
    values = tomllib.loads("\n".join(found))
    assert values.keys() == {"workers", "logconfig_defaults"}


def test_a_table_that_toml_can_write_is_written(here, capsys):
    (here / "g.py").write_text(
        "import pathlib\n"
        "logconfig_dict = {'root': {'handlers': ('a',)}, 'handlers': {'a': {'class':"
        " 'logging.FileHandler', 'filename': pathlib.Path('x'), 'delay': True}}}\n"
    )

    found = report(capsys, "g.py")["the same as hookserve.toml"]

    assert tomllib.loads("\n".join(found))["logconfig_dict"] == {
        "root": {"handlers": ["a"]},
        "handlers": {"a": {"class": "logging.FileHandler", "filename": "x", "delay": True}},
    }


def test_a_command_line_follows_two_dashes(here, capsys):
    found = report(
        capsys, "--", "-w", "4", "--worker-tmp-dir", "/x", "-k", "egg:gunicorn#gthread", "a"
    )

    assert found["works"] == ["wsgi_app = a", "workers = 4", "worker_class = gthread"]
    assert found["ignored"] == ["worker_tmp_dir: nothing is lost without it"]
    assert found["the same as hookserve.toml"][0] == 'wsgi_app = "a"'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "compat: name a configuration file, or a command line after --"),
        (["--wrong"], "compat: unrecognized arguments: --wrong"),
        (["none.py"], "cannot read the configuration file none.py (in "),
        (["--", "-k", "aiohttp.GunicornWebWorker", "a"], "serves aiohttp applications"),
        (["--", "--workers", "many", "a"], "workers (command line): expected a whole number"),
    ],
)
def test_what_cannot_start_is_one_line(here, arguments, message):
    with pytest.raises(HookserveError) as caught:
        run(arguments)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_of_asgi_are_ours_in_the_toml(here, capsys):
    found = report(capsys, "--", "-k", "asgi", "--root-path", "/x", "--asgi-lifespan", "off", "a")

    assert "ignored" not in found
    assert tomllib.loads("\n".join(found["the same as hookserve.toml"])) == {
        "wsgi_app": "a",
        "worker_class": "asyncio",
        "root_path": "/x",
        "lifespan": "off",
    }


@pytest.mark.parametrize(
    "command", [["gunicorn"], ["/usr/bin/gunicorn"], ["python", "-m", "gunicorn"]]
)
def test_the_command_may_be_there(here, capsys, command):
    assert report(capsys, "--", *command, "-w", "3", "a")["works"] == [
        "wsgi_app = a",
        "workers = 3",
    ]


def test_a_logger_class_is_named_so_that_the_toml_starts(here, capsys):
    (here / "shop_log.py").write_text(
        "from gunicorn.glogging import Logger\nclass L(Logger): ...\n"
    )
    for text, expected in [
        ("logger_class = 'shop_log.L'", ['logger_class = "shop_log.L"']),
        ("from shop_log import L\nlogger_class = L", ['logger_class = "shop_log.L"']),
        (
            "from gunicorn.glogging import Logger\nclass L(Logger): ...\nlogger_class = L",
            ["# the class of logger_class stays in a Python file"],
        ),
    ]:
        (here / "g.py").write_text(text)
        found = report(capsys, "g.py")

        assert found["the same as hookserve.toml"] == expected
        assert "ignored" not in found


def test_a_logger_without_its_class_is_one_line():
    with pytest.raises(HookserveError, match="logger_class: name a class"):
        make_logger(configure({}))


def test_defaults_that_count_for_the_model_are_named(here, capsys):
    blocking = "\n".join(report(capsys, "--", "-k", "gthread", "a")["differs"])
    assert "threads is 4 by default, not 1" in blocking
    assert "buffer_bodies is on by default, not off" in blocking

    other = "\n".join(report(capsys, "--", "-k", "gevent", "a")["differs"])
    assert "threads" not in other
    assert "buffer_bodies" not in other


def test_a_mask_that_is_decimal_is_named(here, capsys):
    differs = report(capsys, "--", "-m", "22", "a")["differs"]

    assert any("umask (command line): 22 is decimal, octal 026" in line for line in differs)


def test_the_function_of_the_tls_context_is_a_hook(here, capsys):
    (here / "g.py").write_text("def ssl_context(config, default): return default()\n")

    found = report(capsys, "g.py")

    assert found["hooks"] == ["ssl_context"]
    assert "ignored" not in found
