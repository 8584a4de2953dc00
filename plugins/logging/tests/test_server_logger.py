"""The server's loggers write their lines whatever an application does to logging."""

import io
import logging
import sys

import pytest
from hookserve_logging.server_logger import ServerLogger, kept

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask

FOR_ALL = "for logger in map(logging.getLogger, list(logging.root.manager.loggerDict)):"
SABOTAGE = {
    "disable": "logging.disable(logging.CRITICAL)",
    "level": f"{FOR_ALL} logger.setLevel(100)",
    "handlers": f"{FOR_ALL} logger.handlers.clear(); logger.propagate = True",
    "another list": f"{FOR_ALL} logger.handlers = []; logger.propagate = True",
    "level of handlers": f"{FOR_ALL} [each.setLevel(100) for each in logger.handlers]",
    "filter": f"{FOR_ALL} logger.addFilter(lambda record: False)",
    "filter of handlers": f"{FOR_ALL} [x.addFilter(lambda _: 0) for x in logger.handlers]",
    "formatter": f"{FOR_ALL} [x.setFormatter(1) for x in logger.handlers]",
    "factory": "logging.setLogRecordFactory(lambda *_, **__: 1 / 0)",
    "factory of nothing": "logging.setLogRecordFactory(lambda *_, **__: None)",
    "registry": "logging.root.manager.loggerDict.clear()",
    "shutdown": "logging.shutdown()",
}
APPLICATION = """
import logging
{sabotage}

def application(environ, start_response):
    raise ValueError("boom")
"""


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def logger(stream):
    made = logging.getLogger("tests.server")
    made.__class__ = ServerLogger
    made.propagate = False
    made.setLevel(logging.INFO)
    made.addHandler(logging.StreamHandler(stream))
    yield made
    logging.disable(logging.NOTSET)
    logging.setLogRecordFactory(logging.LogRecord)
    logging.Logger.manager.loggerDict.pop(made.name, None)
    logging.root.handlers[:] = [x for x in logging.root.handlers if type(x) is not Collector]


class Collector(logging.Handler):
    """Keeps the messages that it gets."""

    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


@pytest.mark.process
@pytest.mark.parametrize("preload", [False, True])
@pytest.mark.parametrize("sabotage", SABOTAGE.values(), ids=SABOTAGE)
def test_the_servers_lines_and_a_failures_trace_are_logged(sabotage, preload, tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION.format(sabotage=sabotage))
    with serve("app", chdir=tmp_path, settings={"preload_app": preload}) as server:
        assert ask(server.address).status == 500

        wait_until(lambda: "ValueError: boom" in server.log)
        server.stop()
        assert " ready" in server.log
        assert "stopped" in server.log


@pytest.mark.parametrize(
    "change",
    [
        lambda logger: logger.setLevel(100),
        lambda logger: logger.handlers.clear(),
        lambda logger: setattr(logger, "handlers", []),
        lambda logger: setattr(logger, "disabled", True),
        lambda logger: logger.addFilter(lambda record: False),
        lambda logger: logger.handlers[0].setLevel(100),
        lambda logger: logger.handlers[0].addFilter(lambda record: False),
        lambda logger: logging.disable(logging.CRITICAL),
        lambda logger: logging.setLogRecordFactory(lambda *_, **__: 1 / 0),
    ],
)
def test_what_would_lose_lines_is_undone(change, logger, stream):
    with kept([logger.name]):
        change(logger)

    logger.info("here")

    assert stream.getvalue() == "here\n"


def test_the_list_that_another_logger_shares_is_the_same_one(logger):
    shared = logger.handlers
    before = shared[:]
    with kept([logger.name]):
        logger.handlers = []

    assert logger.handlers is shared
    assert shared == before


def test_the_state_is_restored_when_the_application_cannot_be_loaded(logger, stream):
    def load():
        with kept([logger.name]):
            logger.setLevel(100)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        load()

    logger.error("here")

    assert stream.getvalue() == "here\n"


def test_more_handlers_and_a_lower_level_stay(logger, stream):
    collector = Collector()
    with kept([logger.name]):
        logger.addHandler(collector)
        logger.setLevel(logging.DEBUG)

    logger.debug("here")

    assert stream.getvalue() == "here\n"
    assert collector.messages == ["here"]


def test_what_was_dropped_before_is_dropped(logger, stream):
    logger.setLevel(logging.ERROR)
    logger.addFilter(lambda record: "secret" not in record.msg)
    with kept([logger.name]):
        logger.setLevel(100)

    logger.warning("too low")
    logger.error("a secret")

    assert stream.getvalue() == ""


def test_a_filter_of_the_application_may_change_a_record(logger, stream):
    def mask(record):
        record.msg = record.msg.replace("secret", "***")

    with kept([logger.name]):
        logger.addFilter(mask)

    logger.error("a secret")

    assert stream.getvalue() == "a ***\n"


def test_a_record_factory_of_the_application_is_used_while_it_works(logger, stream):
    class Record(logging.LogRecord):
        def getMessage(self):
            return f"[42] {self.msg}"

    logging.setLogRecordFactory(Record)

    logger.error("here")

    assert stream.getvalue() == "[42] here\n"


def test_lines_that_went_to_the_root_go_where_they_went(logger):
    """As a configuration of `logging` may have it."""
    logger.handlers.clear()
    logger.propagate = True
    before, after = Collector(), Collector()
    logging.root.addHandler(before)
    with kept([logger.name]):
        logging.root.removeHandler(before)
        logging.root.addHandler(after)

    logger.error("here")

    assert before.messages == after.messages == ["here"]


def test_a_handler_for_the_same_file_takes_the_place_of_another(logger, stream):
    logging.root.addHandler(other := logging.StreamHandler(stream))
    try:
        with kept([logger.name]):
            logger.handlers.clear()
            logger.propagate = True

        logger.error("once")
    finally:
        logging.root.removeHandler(other)

    assert stream.getvalue() == "once\n"


def test_a_handler_that_raises_harms_nothing(logger, stream):
    class Raising(logging.Handler):
        def emit(self, record):
            raise ValueError

    logger.addHandler(Raising())

    logger.error("here", exc_info=sys.exc_info())

    assert "here" in stream.getvalue()
