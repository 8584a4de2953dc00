"""``gunicorn.error`` is a name of the error log."""

import logging

import pytest
from hookserve_gunicorn.aliases import share_handlers

from hookserve.testing import serve
from hookserve.testing.contract.client import ask

APPLICATION = """
import logging

gunicorn_logger = logging.getLogger("gunicorn.error")
own = logging.getLogger("shop")
own.handlers = gunicorn_logger.handlers
own.setLevel(gunicorn_logger.level)
own.propagate = False

def application(environ, start_response):
    own.info("of the application")
    gunicorn_logger.info("by gunicorn's name")
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""


@pytest.fixture
def loggers():
    """Both loggers, restored afterwards."""
    found = [logging.getLogger(name) for name in ("hookserve", "gunicorn.error")]
    before = [(each.handlers, each.level, each.propagate) for each in found]
    for each in found:
        each.handlers = []
    yield found
    for each, (handlers, level, propagate) in zip(found, before, strict=True):
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def test_handlers_level_and_propagation_are_shared(loggers):
    own, alias = loggers
    own.setLevel("ERROR")
    own.propagate = False

    share_handlers()
    handler = logging.NullHandler()
    own.addHandler(handler)

    assert alias.handlers == [handler]
    assert (alias.level, alias.propagate) == (logging.ERROR, False)


def test_a_logger_that_is_set_up_is_left_alone(loggers):
    _, alias = loggers
    handler = logging.NullHandler()
    alias.addHandler(handler)

    share_handlers()

    assert alias.handlers == [handler]


@pytest.mark.process
def test_what_an_application_logs_by_gunicorns_name_is_in_the_error_log(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    with serve("app", chdir=tmp_path) as server:
        ask(server.address)
        server.stop()

        assert "[INFO] of the application" in server.log
        assert "[INFO] by gunicorn's name" in server.log
