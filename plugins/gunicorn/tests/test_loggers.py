"""gunicorn's loggers in a logging configuration are the server's."""

import json

import pytest
from hookserve_gunicorn import logger_aliases

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


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


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
    with serve(application, arguments=["-c", str(configuration)]) as server:
        ask(server.address, "/seen")
        wait_until(lambda: (tmp_path / "access").read_text())

        assert '"GET /seen HTTP/1.1" 200 2' in (tmp_path / "access").read_text()
        assert "INFO worker 0" in (tmp_path / "error").read_text()
        assert server.log == ""
