"""The modules that stand in for gunicorn where it is not installed."""

import logging
import os
import socket
import subprocess
import sys
from datetime import timedelta
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from hookserve_gunicorn.standin import glogging, util
from hookserve_gunicorn.standin.instrument import statsd

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/a?b",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "PATH_INFO": "/a",
    "QUERY_STRING": "b",
    "REMOTE_ADDR": "192.0.2.1",
    "HTTP_AUTHORIZATION": "Basic YWRhOnNlY3JldA==",
    "HTTP_USER_AGENT": 'a "b"\n',
}
RESPONSE = SimpleNamespace(status="200 OK", sent=5, headers=[("X-Out", "o")])
REQUEST = SimpleNamespace(headers=[("USER-AGENT", "a")])


@pytest.fixture
def logs():
    """gunicorn's two loggers, as they were."""
    loggers = [logging.getLogger(name) for name in ("gunicorn.error", "gunicorn.access")]
    before = [(each.handlers[:], each.level, each.propagate) for each in loggers]
    yield loggers
    for each, (handlers, level, propagate) in zip(loggers, before, strict=True):
        for handler in each.handlers:
            if handler not in handlers:
                handler.close()
        each.handlers[:], each.propagate = handlers, propagate
        each.setLevel(level)


def settings(tmp_path, **changes):
    values = {
        "loglevel": "info",
        "errorlog": str(tmp_path / "error"),
        "accesslog": str(tmp_path / "access"),
        "access_log_format": '%(h)s %(u)s "%(r)s" %(s)s %(b)s "%(a)s" %({x-out}o)s %(L)s %({no}i)s',
        "logconfig": None,
        "logconfig_dict": {},
        "logconfig_json": None,
        "syslog": False,
        "disable_redirect_access_to_syslog": False,
        "capture_output": False,
    }
    return SimpleNamespace(**{**values, **changes})


def test_lines_of_the_access_log_have_the_fields_of_the_format(tmp_path, logs):
    logger = glogging.Logger(settings(tmp_path))

    logger.access(RESPONSE, REQUEST, ENVIRON, timedelta(seconds=1.5))

    expected = '192.0.2.1 ada "GET /a?b HTTP/1.1" 200 5 "a \\"b\\"\\x0a" o 1.500000 -\n'
    assert (tmp_path / "access").read_text() == expected


def test_a_class_may_change_the_fields_and_leave_requests_out(tmp_path, logs):
    class Quiet(glogging.Logger):
        def atoms(self, resp, req, environ, request_time):
            return {**super().atoms(resp, req, environ, request_time), "z": "changed"}

        def access(self, resp, req, environ, request_time):
            if environ["PATH_INFO"] != "/health":
                super().access(resp, req, environ, request_time)

    logger = Quiet(settings(tmp_path, access_log_format="%(z)s"))
    logger.access(RESPONSE, REQUEST, {**ENVIRON, "PATH_INFO": "/health"}, timedelta())
    logger.access(RESPONSE, REQUEST, ENVIRON, timedelta())

    assert (tmp_path / "access").read_text() == "changed\n"


def test_filters_of_the_access_log_are_asked(tmp_path, logs):
    logger = glogging.Logger(settings(tmp_path))
    leave_out = logging.Filter("other")
    logger.access_log.addFilter(leave_out)

    logger.access(RESPONSE, REQUEST, ENVIRON, timedelta())

    logger.access_log.removeFilter(leave_out)
    assert (tmp_path / "access").read_text() == ""


def test_the_error_log_has_levels_and_its_file_is_opened_again(tmp_path, logs):
    logger = glogging.Logger(settings(tmp_path, loglevel="warning"))
    logger.info("not this")
    logger.log("error", "this %s", "one")
    (tmp_path / "error").rename(tmp_path / "old")
    logger.reopen_files()
    logger.critical("another")

    assert "[ERROR] this one" in (tmp_path / "old").read_text()
    assert "not this" not in (tmp_path / "old").read_text()
    assert "[CRITICAL] another" in (tmp_path / "error").read_text()


def test_a_second_setup_takes_the_handlers_of_the_first_away(tmp_path, logs):
    logger = glogging.Logger(settings(tmp_path))
    logger.setup(settings(tmp_path, accesslog=None))

    # pytest adds handlers of its own to loggers that do not propagate.
    files = [[type(each) for each in log.handlers].count(logging.FileHandler) for log in logs]
    assert files == [1, 0]


def test_a_class_that_sets_a_handler_again_replaces_the_first(tmp_path, logs):
    class Mine(glogging.Logger):
        def setup(self, cfg):
            super().setup(cfg)
            form = logging.Formatter("MINE %(message)s")
            self._set_handler(self.error_log, cfg.errorlog, form)
            self._set_handler(self.access_log, None, form)

    logger = Mine(settings(tmp_path, access_log_format="seen"))
    logger.error("wrong")
    logger.access(RESPONSE, REQUEST, ENVIRON, timedelta())

    assert (tmp_path / "error").read_text() == "MINE wrong\n"
    assert (tmp_path / "access").read_text() == ""


def test_a_logging_configuration_is_put_on_gunicorns_own(tmp_path, logs):
    table = {
        "root": {"handlers": []},
        "loggers": {"gunicorn.access": {"handlers": ["file"], "level": "INFO"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(tmp_path / "mine")}},
    }
    logger = glogging.Logger(settings(tmp_path, accesslog=None, logconfig_dict=table))

    logger.access(RESPONSE, REQUEST, ENVIRON, timedelta())

    assert (tmp_path / "mine").read_text().startswith("192.0.2.1 ada")


@pytest.fixture
def daemon():
    """A syslog daemon that reads UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(10)
        yield made


def to_syslog(tmp_path, daemon, **changes):
    return settings(
        tmp_path,
        syslog=True,
        syslog_addr=f"udp://127.0.0.1:{daemon.getsockname()[1]}",
        syslog_facility="local3",
        syslog_prefix=None,
        proc_name="shop:app",
        accesslog=None,
        access_log_format="%(m)s",
        **changes,
    )


@pytest.mark.parametrize(("prefix", "shown"), [(None, "shop.app"), ("mine", "mine")])
def test_both_logs_go_to_syslog_too(tmp_path, logs, daemon, prefix, shown):
    cfg = to_syslog(tmp_path, daemon)
    cfg.syslog_prefix = prefix
    logger = glogging.Logger(cfg)
    logger.setup(cfg)  # what the first set is not there twice
    form = logging.Formatter("MINE %(message)s")
    logger._set_handler(logger.error_log, cfg.errorlog, form)  # the one for the file alone
    logger.error("wrong")
    logger.access(RESPONSE, REQUEST, ENVIRON, timedelta())

    found = [daemon.recv(999).decode().rstrip("\0") for _ in range(2)]
    assert found == [
        f"<155>gunicorn.{shown}.error: [{os.getpid()}] wrong",
        f"<158>gunicorn.{shown}.access: [{os.getpid()}] GET",
    ]
    assert (tmp_path / "error").read_text() == "MINE wrong\n"


def test_the_access_log_can_be_kept_out_of_syslog(tmp_path, logs, daemon):
    logger = glogging.Logger(to_syslog(tmp_path, daemon, disable_redirect_access_to_syslog=True))
    logger.access(RESPONSE, REQUEST, ENVIRON, timedelta())
    logger.error("last")

    assert b"last" in daemon.recv(999)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unix:///dev/log", (None, "/dev/log")),
        ("unix:///dev/log#dgram", (socket.SOCK_DGRAM, "/dev/log")),
        ("unix:///dev/log#stream", (None, "/dev/log")),
        ("udp://Logs", (socket.SOCK_DGRAM, ("logs", 514))),
        ("udp://", (socket.SOCK_DGRAM, ("localhost", 514))),
        ("tcp://192.0.2.1:1514", (socket.SOCK_STREAM, ("192.0.2.1", 1514))),
        ("udp://[2001:db8::1]:515", (socket.SOCK_DGRAM, ("2001:db8::1", 515))),
    ],
)
def test_an_address_of_syslog_is_read_as_gunicorn_reads_it(text, expected):
    assert glogging.parse_syslog_address(text) == expected


@pytest.mark.parametrize("text", ["localhost:514", "udp://localhost:x", "udp://localhost:99999"])
def test_a_malformed_address_of_syslog_is_refused(text):
    with pytest.raises(RuntimeError):
        glogging.parse_syslog_address(text)


def test_an_unknown_facility_of_syslog_is_refused(tmp_path, logs, daemon):
    cfg = to_syslog(tmp_path, daemon)
    cfg.syslog_facility = "local9"
    with pytest.raises(RuntimeError, match="unknown facility name"):
        glogging.Logger(cfg)


CAPTURE = """
import os, sys, types
from hookserve_gunicorn.standin.glogging import Logger
cfg = types.SimpleNamespace(**eval(sys.argv[1]))
print("before")
logger = Logger(cfg)
print("first", flush=True)
os.rename("error", "old")
logger.reopen_files()
os.system("echo second >&2")
"""


@pytest.mark.process
def test_what_is_printed_goes_to_the_file_of_the_error_log_where_it_is_captured(tmp_path):
    cfg = settings(tmp_path, capture_output=True, accesslog=None)
    result = subprocess.run(
        [sys.executable, "-c", CAPTURE, repr(vars(cfg))],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "before\n", "")
    assert (tmp_path / "old").read_text() == "first\n"
    assert (tmp_path / "error").read_text() == "second\n"


IMPORTS = """
import sys, types
from hookserve_gunicorn.standin import standing_in
with standing_in():
    import gunicorn, gunicorn.app.base, gunicorn.app.wsgiapp, gunicorn.config, gunicorn.util
    from gunicorn.glogging import Logger
    gunicorn.SERVER = "mine"
    from gunicorn.instrument.statsd import Statsd
    from gunicorn.workers.ggevent import GeventWorker, PyWSGIWorker
    from gunicorn.workers.sync import SyncWorker
    from gunicorn.workers.base import Worker
    print(issubclass(Statsd, Logger), issubclass(GeventWorker, Worker))
    for name in ("arbiter", "http.wsgi", "workers.mine", "pidfile"):
        try:
            __import__("gunicorn." + name)
        except ModuleNotFoundError as error:
            print(error)
    try:
        SyncWorker.handle_quit = None
    except AttributeError as error:
        print(error)
for name in [each for each in sys.modules if each.partition(".")[0] == "gunicorn"]:
    del sys.modules[name]
try:
    import gunicorn
except ModuleNotFoundError as error:
    print(error)
"""


@pytest.mark.process
def test_the_stand_in_is_found_inside_alone_and_never_where_gunicorn_is():
    if find_spec("gunicorn") is not None:
        pytest.skip("gunicorn is installed")
    result = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True)

    assert result.stdout.splitlines() == [
        "True True",
        "hookserve has no gunicorn.arbiter (hooks get the arbiter as server: leave the import out,"
        " or put a type's under typing.TYPE_CHECKING)",
        "hookserve has no gunicorn.http (hooks get the request as req and the response as resp; no"
        " code of gunicorn's reads or writes HTTP here. The header Server is left out with"
        " --no-server-header)",
        "hookserve has no gunicorn.workers.mine (a worker is chosen by its name: sync, gthread,"
        " gevent, eventlet, tornado, asyncio)",
        "hookserve has no gunicorn.pidfile (of gunicorn's packages there are app, config, glogging,"
        " instrument, util and workers)",
        "gunicorn's SyncWorker does not serve in hookserve: handle_quit cannot be changed (what it"
        " does belongs into hooks)",
        "No module named 'gunicorn'",
    ]


@pytest.mark.process
def test_an_installed_gunicorn_is_used(tmp_path):
    (tmp_path / "gunicorn").mkdir()
    (tmp_path / "gunicorn" / "__init__.py").write_text("REAL = True\n")
    code = "\n".join(
        [
            "from hookserve_gunicorn.standin import standing_in",
            "with standing_in():",
            "    import gunicorn",
            "print(gunicorn.REAL)",
        ]
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
    )

    assert result.stdout == "True\n"


class Sent(logging.Handler):
    """What the plugin statsd is asked to send."""

    def __init__(self):
        super().__init__()
        self.metrics = []

    def send_metric(self, *metric):
        self.metrics.append(metric)


def test_what_a_logger_for_statsd_sends_goes_to_the_plugin(tmp_path, logs):
    handler, own = Sent(), logging.getLogger("hookserve")
    own.addHandler(handler)
    try:
        logger = statsd.Statsd(settings(tmp_path))
        logger.gauge("a", 1)
        logger.increment("b", 2)
        logger.decrement("c", 3, 0.5)
        logger.timer("d", 4.5)
        logger.histogram("e", 5)
        logger.info("", extra={"metric": "f", "value": 0, "mtype": "gauge"})
        logger.info("said")
    finally:
        own.removeHandler(handler)

    assert handler.metrics == [
        ("a", 1, "gauge"),
        ("b", 2, "counter"),
        ("c", -3, "counter"),
        ("d", 4.5, "timer"),
        ("e", 5, "histogram"),
        ("f", 0, "gauge"),
    ]
    assert (tmp_path / "error").read_text().endswith("[INFO] said\n")


def test_the_names_that_logger_classes_import_are_there(tmp_path, logs):
    logger = glogging.Logger(settings(tmp_path))

    assert glogging.SYSLOG_FACILITIES["local3"] == 19
    assert set(logs) <= set(glogging.loggers())
    assert logging.getLogger() in glogging.loggers()
    assert logger._get_gunicorn_handler(logger.error_log).baseFilename == str(tmp_path / "error")
    assert logger._get_gunicorn_handler(logging.getLogger("other")) is None
    extra = {statsd.METRIC_VAR: 1, statsd.VALUE_VAR: 2, statsd.MTYPE_VAR: statsd.GAUGE_TYPE}
    assert extra == {"metric": 1, "value": 2, "mtype": "gauge"}
    kinds = (statsd.COUNTER_TYPE, statsd.TIMER_TYPE, statsd.HISTOGRAM_TYPE)
    assert kinds == ("counter", "timer", "histogram")
    assert util.import_app("builtins:print") is print


def test_the_utilities_do_what_gunicorns_do(tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(link))

    assert util.getcwd() == str(link)
    assert util.load_class("logging.Logger") is logging.Logger
    assert util.load_class(dict) is dict
    assert util.http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
    util.check_is_writable(str(tmp_path / "file"))
    with pytest.raises(RuntimeError, match="isn't writable"):
        util.check_is_writable(str(tmp_path))
