"""A JSON logging configuration does not silence the server's error log."""

import json

import pytest

from hookserve.testing import serve
from tests.support import web

pytestmark = pytest.mark.process


def test_a_json_configuration_with_a_root_handler_has_the_servers_lines(tmp_path):
    path = tmp_path / "all.log"
    table = {
        "version": 1,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(path)}},
        "root": {"level": "INFO", "handlers": ["file"]},
        "loggers": {"hookserve": {"propagate": True}},
    }
    (tmp_path / "logging.json").write_text(json.dumps(table))
    (tmp_path / "failing.py").write_text("def app(environ, start_response):\n    raise KeyError\n")
    settings = {"logconfig_json": tmp_path / "logging.json"}
    with serve("failing:app", settings=settings, chdir=tmp_path) as server:
        web.get(server.url)

    assert "error handling GET /" in path.read_text()
