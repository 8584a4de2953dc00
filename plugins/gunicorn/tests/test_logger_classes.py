"""Logger classes that are written for gunicorn."""

import logging
import signal
import sys
import types

import pytest
from hookserve_gunicorn.logger_classes import is_logger, make_logger
from hookserve_gunicorn.standin.glogging import Logger

from hookserve import AccessRecord, ConfigError
from hookserve.testing import serve
from hookserve.testing.contract.client import ask
from hookserve.testing.fakes import configure

SOURCE = """
from gunicorn.glogging import Logger

class Mine(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        self.calls = []

    def access(self, resp, req, environ, request_time):
        self.calls.append((resp.status, req.method, req.path, environ["RAW_URI"],
                           request_time.total_seconds(), resp.sent, resp.response_length))

    def error(self, msg, *args, **kwargs):
        self.calls.append(("error", msg % args))

value = 5

def factory(config): return ("made", config.workers)

class Failing(Logger):
    def setup(self, cfg):
        raise ValueError("of the class")
"""
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/a?b",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "PATH_INFO": "/a",
    "QUERY_STRING": "b",
}


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "mine_of_the_test.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    loggers = [logging.getLogger(name) for name in ("gunicorn.error", "gunicorn.access")]
    yield "mine_of_the_test"
    for logger in loggers:
        for handler in logger.handlers[:]:
            logger.removeHandler(handler)
            handler.close()
    for name in [each for each in sys.modules if each.partition(".")[0] == "gunicorn"]:
        del sys.modules[name]
    sys.modules.pop("mine_of_the_test", None)


def made(module, name, **settings):
    return make_logger(configure({"gunicorn_logger": f"{module}:{name}", **settings}))


def test_the_class_gets_the_records_of_requests(module):
    adapter = made(module, "Mine")
    adapter.install_logs()
    headers = [("Content-Length", "5")]

    adapter.log_access(AccessRecord(dict(ENVIRON), 200, headers, 5, 1.0, 1.5))

    assert adapter._logger.calls == [("200", "GET", "/a", "/a?b", 0.5, 5, 5)]


def test_a_refused_request_has_what_is_known_of_it(module):
    adapter = made(module, "Mine")
    adapter.install_logs()

    adapter.log_access(AccessRecord({}, 400, [], 0, 1.0, 1.0, "", "GET /x HTTP/1.1"))
    adapter.log_access(AccessRecord({}, 400, [], 0, 1.0, 1.0, "", "\x16\x03"))

    assert [call[:4] for call in adapter._logger.calls] == [
        ("400", "GET", "/x", "/x"),
        ("400", "-", "-", "-"),
    ]


def test_what_the_server_logs_goes_through_the_methods_of_the_class(module):
    adapter = made(module, "Mine")
    adapter.install_logs()

    logging.getLogger("hookserve").error("a fault of %s", "x")

    assert adapter._logger.calls == [("error", "a fault of x")]


def test_an_exception_goes_through_the_method_for_exceptions(module):
    adapter = made(module, "Mine")
    adapter.install_logs()
    calls = adapter._logger.calls
    adapter._logger.exception = lambda msg, *args, exc_info: calls.append((msg % args, exc_info[0]))

    try:
        raise ValueError
    except ValueError:
        logging.getLogger("hookserve").exception("a fault")
        logging.getLogger("hookserve").error("another", exc_info=True)

    assert calls == [("a fault", ValueError), ("another", ValueError)]


def test_a_second_installation_replaces_the_first(module):
    first, second = made(module, "Mine"), made(module, "Mine")
    first.install_logs()
    second.install_logs()

    logging.getLogger("hookserve").error("once")

    assert (first._logger.calls, second._logger.calls) == ([], [("error", "once")])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("value", "logger_class: mine_of_the_test:value is not a class"),
        ("Absent", "logger_class: cannot import mine_of_the_test:Absent: AttributeError"),
    ],
)
def test_a_class_that_is_not_a_logger_is_refused(module, name, message):
    with pytest.raises(ConfigError) as caught:
        made(module, name)

    assert str(caught.value).startswith(message)


def test_a_factory_of_ours_is_called(module):
    assert made(module, "factory") == ("made", 1)


CONFIGURATION = """
import logging
from gunicorn.glogging import Logger

class Quiet(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        self.access_log.addFilter(lambda record: "/health" not in record.getMessage())

accesslog = "access"
errorlog = "error"
logger_class = LOGGER
"""


@pytest.mark.process
@pytest.mark.parametrize("value", ["Quiet", "'quiet.Quiet'"])
def test_a_configuration_files_class_logs_where_gunicorn_is_not_installed(tmp_path, value):
    text = CONFIGURATION.replace("LOGGER", value)
    (tmp_path / "gunicorn.conf.py").write_text(text)
    (tmp_path / "quiet.py").write_text(text.replace(value, "None"))
    (tmp_path / "app.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Length', '0')])\n"
        "    return []\n"
    )
    with serve("app", chdir=tmp_path) as server:
        for path in ("/health", "/page"):
            ask(server.address, path)
        server.signal(signal.SIGHUP)
        server.wait_for("exit")
        ask(server.address, "/after")
        server.stop()

    lines = (tmp_path / "access").read_text().splitlines()
    assert [line.split('"')[1] for line in lines] == ["GET /page HTTP/1.1", "GET /after HTTP/1.1"]
    assert "worker 0" in (tmp_path / "error").read_text()


def test_a_class_that_fails_names_itself(module):
    with pytest.raises(ConfigError, match="logger_class: Failing raised ValueError: of the class"):
        made(module, "Failing").install_logs()


def test_classes_are_told_apart_by_their_methods():
    assert is_logger(Logger)
    assert not is_logger(types.SimpleNamespace)
    assert not is_logger(Logger.access)
