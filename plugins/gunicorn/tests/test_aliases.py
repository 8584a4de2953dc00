"""``gunicorn.error`` and ``gunicorn.access`` are other names of the server's loggers."""

import logging

import pytest
from hookserve_gunicorn.aliases import ALIASES, Alias, separate, share

from hookserve.testing import serve, wait_until
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
    gunicorn_logger.info("a secret")
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""
FILTER = """
import logging

class NoHealth(logging.Filter):
    def filter(self, record):
        return record.args["U"] != "/health" and "{x-none}i" not in record.args

def no_secrets(record):
    return "secret" not in record.getMessage()
"""
PLACES = {
    "in the file": "logging.getLogger('gunicorn.access').{action}",
    "in post_fork": "def post_fork(server, worker): worker.log.access_log.{action}",
    "in when_ready": "def when_ready(server): server.log.access_log.{action}",
    "in the application": "",
}
ACTIONS = {
    "addFilter(NoHealth())": ['"GET /page HTTP/1.1" 200 0'],
    "setLevel('WARNING')": [],
    "handlers[0].setFormatter(logging.Formatter('<%(message)s>'))": [
        '<"GET /health HTTP/1.1" 200 0>',
        '<"GET /page HTTP/1.1" 200 0>',
    ],
    "addHandler(logging.FileHandler('second'))": [
        '"GET /health HTTP/1.1" 200 0',
        '"GET /page HTTP/1.1" 200 0',
    ],
}


@pytest.fixture
def loggers():
    """The server's and the alias, restored afterwards."""
    separate()
    found = [logging.getLogger(name) for name in ("hookserve", "gunicorn.error")]
    before = [(each.handlers, each.filters, each.level, each.propagate) for each in found]
    for each in found:
        each.handlers, each.filters = [], []
    yield found
    separate()
    for each, (handlers, filters, level, propagate) in zip(found, before, strict=True):
        each.handlers, each.filters, each.propagate = handlers, filters, propagate
        each.setLevel(level)


def test_handlers_filters_level_and_propagation_are_shared(loggers):
    own, alias = loggers
    own.setLevel("ERROR")
    own.propagate = False

    share()
    handler = logging.NullHandler()
    own.addHandler(handler)
    alias.addFilter(str)

    assert alias.handlers == [handler]
    assert own.filters == [str]
    assert (alias.level, alias.propagate) == (logging.ERROR, False)


def test_what_was_put_on_an_alias_before_is_kept(loggers):
    own, alias = loggers
    handler = logging.NullHandler()
    alias.addHandler(handler)
    alias.addFilter(str)

    share()
    share()

    assert (own.handlers, own.filters) == ([handler], [str])


def test_a_separate_alias_has_nothing_of_the_servers(loggers):
    own, alias = loggers
    share()
    alias.addHandler(logging.NullHandler())
    alias.setLevel("ERROR")

    separate()

    assert (alias.handlers, alias.level, len(own.handlers)) == ([], logging.NOTSET, 1)
    assert not isinstance(alias, Alias)
    assert set(ALIASES) == {"gunicorn.error", "gunicorn.access"}


def test_an_alias_passes_its_records_on_to_the_parent_of_the_servers_logger(loggers):
    own, alias = loggers
    share()

    parent = logging.getLogger("gunicorn")

    assert alias.parent is own.parent is logging.root
    separate()
    assert alias.parent is parent


def test_the_loggers_of_a_logger_class_are_left_alone(loggers):
    own, alias = loggers
    forward = logging.NullHandler()
    forward.is_forward = True
    own.addHandler(forward)

    share()

    assert alias.handlers == []


@pytest.mark.process
def test_what_an_application_logs_by_gunicorns_name_is_in_the_error_log(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "gunicorn.conf.py").write_text(
        FILTER + "def post_fork(server, worker):\n"
        "    logging.getLogger('gunicorn.error').addFilter(no_secrets)\n"
    )
    with serve("app", chdir=tmp_path) as server:
        ask(server.address)
        server.stop()

        assert "[INFO] of the application" in server.log
        assert "[INFO] by gunicorn's name" in server.log
        assert "secret" not in server.log


@pytest.mark.process
@pytest.mark.parametrize(
    ("place", "action"),
    [
        (place, action)
        for place in PLACES
        for action in ACTIONS
        # The level and the handler are set when the file has been read, in gunicorn too.
        if place != "in the file" or action.startswith("add")
    ],
)
def test_what_is_put_on_the_access_log_takes_effect(tmp_path, place, action):
    action_there = PLACES[place].format(action=action)
    application = APPLICATION.replace("own.handlers", f"{FILTER}\nown.handlers", 1)
    if not action_there:
        application += f"\nlogging.getLogger('gunicorn.access').{action}\n"
    (tmp_path / "app.py").write_text(application)
    (tmp_path / "gunicorn.conf.py").write_text(
        f"{FILTER}\naccesslog = 'access'\naccess_log_format = '\"%(r)s\" %(s)s %(B)s'\n"
        f"{action_there}\n"
    )
    with serve("app", chdir=tmp_path) as server:
        ask(server.address, "/health")
        ask(server.address, "/page")
        server.stop()

    assert (tmp_path / "access").read_text().splitlines() == ACTIONS[action]
    if "second" in action:
        wait_until(lambda: (tmp_path / "second").read_text())
        assert (tmp_path / "second").read_text().splitlines() == ACTIONS[action]
