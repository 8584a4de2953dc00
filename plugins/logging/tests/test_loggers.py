"""The access log through loggers."""

import copy
import json
import logging
import logging.handlers
import pickle
import queue
import signal

import pytest
from hookserve_logging.loggers import (
    Atoms,
    LineHandler,
    RequestRecord,
    is_untouched,
    log_through,
)

from hookserve import AccessRecord
from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/a%0Ab?q",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "PATH_INFO": "/a\nb",
    "QUERY_STRING": "q",
    "REMOTE_ADDR": "192.0.2.1",
    "HTTP_USER_AGENT": 'the "agent"',
    "CONTENT_TYPE": "text/plain",
    "wsgi.url_scheme": "http",
}
HEADERS = [("Content-Length", "5"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]
FORM = "%(h)s %(U)s %(s)s %(B)s %({User-Agent}i)s %({X-None}o)s"


def request(environ=ENVIRON):
    return AccessRecord(dict(environ), 200, HEADERS, 5, 1.0, 1.5)


@pytest.fixture
def logger():
    found = logging.Logger("test", logging.INFO)
    found.propagate = False
    return found


class Recorder(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def test_the_fields_are_there_by_their_letters():
    atoms = Atoms(request(), "the line")

    assert (atoms["h"], atoms["m"], atoms["q"], atoms["r"]) == (
        "192.0.2.1",
        "GET",
        "q",
        "GET /a%0Ab?q HTTP/1.1",
    )
    assert (atoms["s"], atoms["b"], atoms["B"], atoms["D"]) == ("200", 5, 5, 500000)
    assert (atoms["L"], atoms["l"], atoms["u"]) == ("0.500000", "-", "-")
    assert atoms["t"].startswith("[")


def test_headers_and_variables_are_there_in_any_case():
    atoms = Atoms(request(), "")

    assert (atoms["{User-Agent}i"], atoms["{content-type}i"]) == (r"the \"agent\"", "text/plain")
    assert (atoms["{Content-Length}o"], atoms["{set-cookie}o"]) == ("5", "a, b")
    assert (atoms["{wsgi.url_scheme}e"], atoms["{none}e"], atoms["x"]) == ("http", "-", "-")


def test_a_field_ends_no_line():
    assert Atoms(request(), "")["U"] == r"/a\nb"


def test_what_a_killed_request_lacks_is_a_dash():
    atoms = Atoms(request({}), "")

    assert (atoms["h"], atoms["U"], atoms["{user-agent}i"]) == ("-", "-", "-")


def test_the_message_is_the_line():
    record = RequestRecord("test", FORM, "the line", request())

    assert (record.getMessage(), record.msg) == ("the line", FORM)


def test_a_filter_may_change_fields_and_format():
    record = RequestRecord("test", FORM, "the line", request())
    record.args["h"] = "hidden"
    assert record.getMessage() == r"hidden /a\nb 200 5 the \"agent\" -"

    record.msg = "%(m)s"
    assert record.getMessage() == "GET"


def test_a_record_goes_through_a_queue():
    record = RequestRecord("test", FORM, "the line", request({"wsgi.input": object(), **ENVIRON}))
    passed = queue.Queue()
    logging.handlers.QueueHandler(passed).emit(record)

    prepared = pickle.loads(pickle.dumps(passed.get()))

    assert prepared.getMessage() == "the line"
    assert copy.copy(record).getMessage() == "the line"


def test_each_logger_gets_the_record_unless_its_level_is_higher(logger):
    other = logging.Logger("other", logging.WARNING)
    recorder = Recorder()
    for each in (logger, other):
        each.addHandler(recorder)

    log_through([logger, other], FORM, lambda record: "the line")(request())

    assert [(each.name, each.getMessage()) for each in recorder.records] == [("test", "the line")]


def test_a_line_of_json_is_the_message(logger):
    recorder = Recorder()
    logger.addHandler(recorder)
    logger.addFilter(lambda record: record.args["U"])

    log_through([logger], "json", lambda record: '{"a": "100%"}')(request())

    assert recorder.records[0].getMessage() == '{"a": "100%"}'


def test_the_applications_class_of_records_is_used(logger):
    class Own(logging.LogRecord):
        place = "here"

    recorder = Recorder()
    logger.addHandler(recorder)
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Own)
    try:
        log_through([logger], "%(U)s", lambda record: "the line")(request())
    finally:
        logging.setLogRecordFactory(before)

    (record,) = recorder.records
    assert (record.place, record.getMessage(), record.args["m"]) == ("here", r"/a\nb", "GET")


def test_a_handler_writes_a_record_once_and_flushes_what_is_no_request():
    calls = []
    handler = LineHandler(calls.append, lambda: calls.append("flush"))
    record = RequestRecord("test", FORM, "the line", request())

    handler.handle(record)
    handler.handle(record)
    handler.handle(logging.makeLogRecord({"msg": "another"}))

    assert calls == ["the line", "another", "flush"]


def test_a_formatter_that_raises_harms_nothing(monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler = LineHandler(print, print)
    handler.setFormatter(logging.Formatter("%(none)s"))

    handler.handle(RequestRecord("test", FORM, "the line", request()))


def test_a_logger_with_its_handler_alone_is_untouched(logger):
    handler = LineHandler(print, print)
    assert not is_untouched(logger, handler)

    logger.addHandler(handler)
    assert is_untouched(logger, handler)

    handler.setFormatter(logging.Formatter())
    assert not is_untouched(logger, handler)


@pytest.mark.parametrize(
    "touch",
    [
        lambda logger: logger.addFilter(str),
        lambda logger: logger.addHandler(logging.NullHandler()),
        lambda logger: logger.setLevel("WARNING"),
        lambda logger: setattr(logger, "propagate", True),
        lambda logger: logger.handlers[0].addFilter(str),
        lambda logger: logger.handlers[0].setLevel("WARNING"),
    ],
)
def test_a_logger_with_more_is_touched(logger, touch):
    handler = LineHandler(print, print)
    logger.addHandler(handler)

    touch(logger)

    assert not is_untouched(logger, handler)


@pytest.mark.process
def test_a_filter_of_a_logging_configuration_has_the_fields(tmp_path):
    (tmp_path / "filters.py").write_text(
        "class NoHealth:\n    def filter(self, record): return record.args['U'] != '/health'\n"
    )
    handler = {"class": "logging.FileHandler", "filename": "access", "filters": ["no_health"]}
    table = {
        "version": 1,
        "filters": {"no_health": {"()": "filters.NoHealth"}},
        "handlers": {"access": handler},
        "loggers": {"hookserve.access": {"handlers": ["access"]}},
    }
    (tmp_path / "log").write_text(json.dumps(table))
    settings = {"logconfig_json": "log", "access_log_format": "%(U)s", "chdir": tmp_path}
    with serve(application, settings=settings) as server:
        ask(server.address, "/health")
        ask(server.address, "/page")
        wait_until(lambda: "/page" in (tmp_path / "access").read_text())

        assert (tmp_path / "access").read_text() == "/page\n"


@pytest.mark.process
def test_a_filter_is_there_after_a_reload_and_lines_are_written_once(tmp_path):
    (tmp_path / "hookserve.conf.py").write_text(
        "import logging\n"
        "accesslog, access_log_format = 'access', '%(U)s'\n"
        "logger = logging.getLogger('hookserve.access')\n"
        "logger.addFilter(lambda record: record.args['U'] != '/health')\n"
    )
    with serve(application, chdir=tmp_path) as server:
        server.signal(signal.SIGHUP)
        server.wait_for("ready", count=2)
        for path in ("/health", "/page"):
            ask(server.address, path)
        server.stop()

    assert (tmp_path / "access").read_text() == "/page\n"
