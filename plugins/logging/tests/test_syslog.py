"""Both logs to syslog, and a server that does not depend on the daemon."""

import json
import logging
import os
import socket

import pytest
from hookserve_logging.errorlog import NAME, ErrorLog, Installation
from hookserve_logging.standard import make_logger
from hookserve_logging.syslog import Syslog

from hookserve import AccessRecord, ConfigError
from hookserve.launch.assembly import load_plugins
from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask
from hookserve.testing.fakes import configure


@pytest.fixture
def path(tmp_path):
    return tmp_path / "devlog"


@pytest.fixture
def daemon(path):
    with listen(path) as daemon:
        yield daemon


@pytest.fixture
def make_syslog():
    """Makes what is closed after the test."""
    made = []
    host = load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"})

    def make(values, is_logger=False):
        config = configure({"syslog": True, **values})
        made.append(make_logger(config, host) if is_logger else Syslog(config))
        return made[-1]

    yield make
    for each in made:
        (each.retired if isinstance(each, ErrorLog) else each.close)()


def listen(path):
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind(str(path))
    daemon.settimeout(5)
    return daemon


def settings(path, **others):
    return {"syslog": True, "syslog_addr": f"unix://{path}", **others}


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def test_records_have_priority_and_program(make_syslog, path, daemon):
    values = settings(path, syslog_facility="local0", syslog_prefix="shop")
    handler = make_syslog(values).make_handler()

    for level in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG):
        record = logging.LogRecord(NAME, level, "", 0, "text", None, None)
        record.process = 7
        handler.emit(record)

    sent = [daemon.recv(1000).decode() for _ in range(5)]
    assert sent == [f"<{128 + each}>hookserve.shop.error: [7] text" for each in (2, 3, 4, 6, 7)]


def test_a_line_of_the_access_log_goes_to_syslog(make_syslog, path, daemon):
    logger = make_syslog(settings(path, access_log_format="%(s)s %(a)s"), is_logger=True)

    logger.log_access(AccessRecord({"HTTP_USER_AGENT": "é\n"}, 200, [], 0, 0.0, 0.0))

    assert daemon.recv(1000).decode() == f"<14>hookserve.access: [{os.getpid()}] 200 é\\n"


def test_the_program_may_have_another_name(make_syslog, path, daemon):
    values = settings(path, syslog_program="gunicorn", syslog_prefix="shop")

    make_syslog(values).make_writer()("a line")

    assert daemon.recv(1000).decode() == f"<14>gunicorn.shop.access: [{os.getpid()}] a line"


def test_no_text_of_a_record_begins_another_in_a_stream(make_syslog):
    with socket.create_server(("127.0.0.1", 0)) as daemon:
        port = daemon.getsockname()[1]
        syslog = make_syslog({"syslog_addr": f"tcp://127.0.0.1:{port}"})
        error = (ValueError, ValueError("\n<0>kernel: forged"), None)
        record = logging.LogRecord(NAME, logging.ERROR, "", 0, "failed", None, error)

        syslog.make_handler().emit(record)

        connection, _ = daemon.accept()
        syslog.close()
        data = b""
        while received := connection.recv(1000):
            data += received
        connection.close()
    assert data.count(b"\n") == 1
    assert data.endswith(b"forged\n")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"syslog_addr": "/dev/log"}, r"'/dev/log' is not an address \(udp://HOST:PORT\)"),
        ({"syslog_addr": "udp://localhost:x"}, "cannot resolve"),
        ({"syslog_addr": "udp://nosuch.invalid"}, "cannot resolve"),
        ({"syslog_facility": "shop"}, "there is no 'shop'"),
    ],
)
def test_what_can_never_work_is_refused(make_syslog, values, message):
    with pytest.raises(ConfigError, match=message):
        make_syslog(values)


def test_an_absent_daemon_is_a_warning_where_the_log_is(path, tmp_path):
    log = tmp_path / "log"
    installation = Installation(configure(settings(path, errorlog=str(log))))
    installation.install()
    for _ in range(3):
        logging.getLogger(NAME).info("on")
    installation.close()

    first, *between, last = log.read_text().splitlines()
    assert f"syslog_addr: unix://{path} cannot be reached: No such file or directory" in first
    assert ["reached" in line for line in between] == [False] * 3
    assert last.endswith("cannot be reached: 3 messages are lost")


@pytest.mark.parametrize(
    ("others", "remedy"),
    [({"strict": True}, "refused by --strict"), ({"daemon": True}, "--error-logfile")],
)
def test_an_absent_daemon_is_refused_where_no_other_log_is_seen(path, others, remedy):
    with pytest.raises(ConfigError, match=remedy):
        Installation(configure(settings(path, **others)))


def test_an_outage_is_said_on_standard_error_if_no_other_log_is_there(make_syslog, path, capfd):
    custom = {"version": 1, "root": {"handlers": []}}
    syslog = make_syslog(settings(path, logconfig_dict=custom))
    logger = logging.getLogger(NAME)
    before, logger.propagate = logger.propagate, False
    try:
        handler = syslog.make_handler()
        handler.emit(logging.LogRecord(NAME, logging.ERROR, "", 0, "text", None, None))
        syslog.close()
    finally:
        logger.propagate = before

    assert "cannot be reached: 1 messages are lost" in capfd.readouterr().err


@pytest.mark.process
def test_a_server_starts_without_the_daemon_and_finds_it_later(path):
    with serve(application, settings=settings(path, tick_interval=0.2)) as server:
        assert ask(server.address, "/before").status == 200
        assert server.log.count("cannot be reached") == 1
        with listen(path) as daemon:
            received = []

            def has_come():
                ask(server.address, "/after")
                daemon.setblocking(False)
                try:
                    while True:
                        received.append(daemon.recv(10000).decode())
                except BlockingIOError:
                    text = "\n".join(received)
                return all(each in text for each in ("/before", "/after", "listening on"))

            wait_until(has_come)
            # The arbiter and the worker.
            again = "is reached again; 0 messages are lost"
            wait_until(lambda: has_come() and server.log.count(again) == 2)


def test_a_line_in_json_goes_to_syslog_as_it_is(make_syslog, path, daemon):
    logger = make_syslog(settings(path, access_log_format="json"), is_logger=True)

    logger.log_access(AccessRecord({}, 200, [], 0, 0.0, 0.0))

    _, _, line = daemon.recv(1000).decode().partition(": ")
    assert json.loads(line)["status"] == 200
