"""gunicorn's loggers in a logging configuration are the server's."""

import json
import signal

import pytest
from hookserve_gunicorn import logger_aliases
from support.applications import ok

from hookserve.launch.assembly import assemble
from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask

FORMS = ("logconfig_dict", "logconfig_json", "logconfig")
INI = """
[loggers]
keys = root, error, access
[handlers]
keys = error, access
[formatters]
keys = own
[logger_root]
handlers =
[logger_error]
qualname = gunicorn.error
handlers = error
propagate = 0
[logger_access]
qualname = gunicorn.access
handlers = access
propagate = 0
[handler_error]
class = FileHandler
args = ("{folder}/error",)
formatter = own
[handler_access]
class = FileHandler
args = ("{folder}/access",)
formatter = own
[formatter_own]
format = %(levelname)s %(message)s
"""


def table(folder):
    handler = {"class": "logging.FileHandler", "formatter": "own"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"own": {"format": "%(levelname)s %(message)s"}},
        "handlers": {
            name: {**handler, "filename": f"{folder}/{name}"} for name in ("error", "access")
        },
        "loggers": {f"gunicorn.{name}": {"handlers": [name]} for name in ("error", "access")},
    }


def test_both_loggers_have_their_names():
    assert logger_aliases("hookserve") == ["gunicorn.error"]
    assert logger_aliases("hookserve.access") == ["gunicorn.access"]
    assert logger_aliases("other") == []


@pytest.mark.process
@pytest.mark.parametrize("form", FORMS)
def test_handlers_of_both_loggers_get_what_they_get_under_gunicorn(tmp_path, form):
    configuration = tmp_path / "gunicorn.conf.py"
    if form == "logconfig_dict":
        configuration.write_text(f"logconfig_dict = {table(tmp_path)!r}\n")
    else:
        text = json.dumps(table(tmp_path)) if form == "logconfig_json" else INI
        (tmp_path / "log").write_text(text.replace("{folder}", str(tmp_path)))
        configuration.write_text(f"{form} = {str(tmp_path / 'log')!r}\n")
    with serve(ok, arguments=["-c", str(configuration)]) as server:
        ask(server.address, "/seen")
        wait_until(lambda: (tmp_path / "access").read_text())

        assert '"GET /seen HTTP/1.1" 200 2' in (tmp_path / "access").read_text()
        assert "INFO worker 0" in (tmp_path / "error").read_text()
        assert server.log == ""


PARTS = {
    "a format alone": (
        {"formatters": {"generic": {"format": "own %(message)s"}}},
        ["own seen /page"] * 2,
    ),
    "a level alone": (
        {"loggers": {"gunicorn.access": {"level": "WARNING"}}},
        [],
    ),
    "a handler of the defaults": (
        {
            "formatters": {"generic": {"format": "own %(message)s"}},
            "loggers": {"gunicorn.access": {"handlers": ["console"], "propagate": False}},
        },
        ["own seen /page"],
    ),
    "a root and no logger": (
        {"loggers": {}, "root": {"level": "INFO", "handlers": ["error_console"]}},
        [],
    ),
}
"""A table without some parts, and the lines of a request: gunicorn's."""


@pytest.mark.process
@pytest.mark.parametrize("case", PARTS)
def test_gunicorns_defaults_are_under_a_table(tmp_path, case):
    table, expected = PARTS[case]
    configuration = tmp_path / "conf.py"
    configuration.write_text(f"logconfig_dict = {table!r}\naccess_log_format = 'seen %(U)s'\n")
    with serve(ok, arguments=["-c", str(configuration)]) as server:
        ask(server.address, "/page")
        server.stop()

        lines = server.log.splitlines()
        assert [line for line in lines if "seen /page" in line] == expected
        assert any(line.endswith("ready") for line in lines)


@pytest.mark.parametrize(
    ("file", "names", "is_under"),
    [
        ("gunicorn.conf.py", ["root"], True),
        ("site.py", ["root"], True),
        ("hookserve.conf.py", ["root"], False),
        ("hookserve.conf.py", ["gunicorn.access"], True),
    ],
)
def test_the_defaults_are_for_what_is_written_for_gunicorn(
    tmp_path, monkeypatch, file, names, is_under
):
    monkeypatch.chdir(tmp_path)
    table = {"version": 1, "loggers": {name: {} for name in names}}
    (tmp_path / "log.json").write_text(json.dumps(table))
    for text in (f"logconfig_dict = {table!r}", "logconfig_json = 'log.json'"):
        (tmp_path / file).write_text(text)

        config = assemble(["-c", file, "app"], {}).config

        assert bool(config.logconfig_defaults) is is_under
        assert "gunicorn.error" not in config.logconfig_dict.get("loggers", {})


def test_a_file_on_the_command_line_has_them_if_it_names_gunicorns_loggers(tmp_path):
    path = tmp_path / "log.json"
    for name, is_under in [("gunicorn.error", True), ("shop", False)]:
        path.write_text(json.dumps({"version": 1, "loggers": {name: {}}}))

        config = assemble(["--log-config-json", str(path), "app"], {}).config

        assert bool(config.logconfig_defaults) is is_under
    path.write_text("{")
    config = assemble(["--log-config-json", str(path), "app"], {}).config
    assert not config.logconfig_defaults


LOGGERS = {
    "the access log by propagation": (
        {"root": ["all"], "gunicorn.access": [None, True]},
        {"all": {"access": 2, "error": 0, "application": 0}, "errorlog": {"error": 1}},
    ),
    "a parent": (
        {"root": [None], "gunicorn": ["parent", False]},
        {"parent": {"access": 2, "error": 1, "application": 2}, "errorlog": {"error": 0}},
    ),
    "a parent and the root": (
        {"root": ["all"], "gunicorn": ["parent", True]},
        {
            "parent": {"access": 2, "error": 1, "application": 2},
            "all": {"access": 2, "error": 1, "application": 2},
        },
    ),
    "the access log alone": (
        {"root": ["all"], "gunicorn.access": ["access", False]},
        {
            "access": {"access": 2, "error": 0, "application": 0},
            "errorlog": {"access": 0, "error": 1, "application": 2},
            "all": {"access": 0, "error": 0, "application": 0},
        },
    ),
    "an application's logger": (
        {"root": [None], "shop": ["shop", False]},
        {
            "shop": {"access": 0, "error": 0, "application": 0},
            "errorlog": {"access": 0, "error": 1, "application": 2},
        },
    ),
}
"""Loggers with a handler and propagation, and the lines that gunicorn writes to each file."""
SEEN = {"access": "seen /page", "error": "listening on", "application": "by its name"}
APPLICATION = """
import logging

def application(environ, start_response):
    logging.getLogger("gunicorn.error").info("by its name")
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""


def as_table(loggers):
    """For dictConfig, each handler a file of its name."""
    entries = {
        name: {
            "level": "INFO",
            "handlers": list(filter(None, given[:1])),
            **({"propagate": given[1]} if len(given) > 1 else {}),
        }
        for name, given in loggers.items()
    }
    files = {name for given in loggers.values() for name in filter(None, given[:1])}
    return {
        "version": 1,
        "handlers": {name: {"class": "logging.FileHandler", "filename": name} for name in files},
        "root": entries.pop("root"),
        "loggers": entries,
    }


def as_ini(loggers):
    """The same for fileConfig."""
    files = {name for given in loggers.values() for name in filter(None, given[:1])}
    keys = {name: name.replace(".", "_") for name in loggers}
    parts = [
        f"[loggers]\nkeys = {', '.join(keys.values())}\n[handlers]\nkeys = {', '.join(files)}\n"
        "[formatters]\nkeys =\n"
    ]
    for name, (handler, *propagate) in loggers.items():
        parts.append(
            f"[logger_{keys[name]}]\nqualname = {name}\nlevel = INFO\nhandlers = {handler or ''}\n"
            f"propagate = {int(all(propagate))}\n"
        )
    parts += [f"[handler_{name}]\nclass = FileHandler\nargs = ({name!r},)\n" for name in files]
    return "".join(parts)


@pytest.mark.process
@pytest.mark.parametrize("form", ["logconfig_dict", "logconfig"])
@pytest.mark.parametrize("case", LOGGERS)
def test_each_line_goes_where_it_goes_under_gunicorn(tmp_path, case, form):
    loggers, expected = LOGGERS[case]
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "log.ini").write_text(as_ini(loggers))
    value = as_table(loggers) if form == "logconfig_dict" else "log.ini"
    (tmp_path / "gunicorn.conf.py").write_text(
        f"errorlog = 'errorlog'\naccess_log_format = 'seen %(U)s'\n{form} = {value!r}\n"
    )
    with serve("app", chdir=tmp_path) as server:
        ask(server.address, "/page")
        server.signal(signal.SIGHUP)
        wait_until(lambda: any("reloaded" in text for text in texts(tmp_path).values()))
        ask(server.address, "/page")
        server.stop()

    written = texts(tmp_path)
    for name, counts in expected.items():
        for kind, count in counts.items():
            assert written.get(name, "").count(SEEN[kind]) == count, (name, kind)


def texts(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if not path.suffix}
