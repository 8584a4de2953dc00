"""What a daemon receives from real servers."""

import re
import signal
import socket
import time

import hookserve_statsd
import pytest
from support.models import OF_WSGI

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.errors import ConfigError
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.testing import serve
from hookserve.testing.server import DEADLINE
from tests.support import web

APPLICATION = """
import logging
def application(environ, start_response):
    if environ["PATH_INFO"] == "/error":
        raise ValueError("a mistake")
    logging.getLogger("hookserve").warning("of the application")
    start_response("404 Not Found", [("Content-Length", "2")])
    return [b"no"]
"""


class Daemon:
    """Receives datagrams."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.datagrams = []

    def total(self, name):
        """The sum of a counter's values."""
        lines = b"\n".join(self.datagrams).decode().splitlines()
        found = (re.fullmatch(rf"{re.escape(name)}:(\d+)\|c", line) for line in lines)
        return sum(int(match[1]) for match in found if match)

    def wait_for(self, **totals):
        """Receive until the counters have reached these values."""
        deadline = time.monotonic() + DEADLINE
        names = {name.replace("_", "."): value for name, value in totals.items()}
        while any(self.total(f"shop.gunicorn.{name}") < names[name] for name in names):
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            self.datagrams.append(self._socket.recv(65536))
        return {name: self.total(f"shop.gunicorn.{name}") for name in names}

    def close(self):
        self._socket.close()


@pytest.fixture
def daemon():
    daemon = Daemon()
    yield daemon
    daemon.close()


@pytest.mark.process
@pytest.mark.parametrize("worker", OF_WSGI)
def test_requests_are_counted_by_status_under_every_model(tmp_path, daemon, worker):
    (tmp_path / "app.py").write_text(APPLICATION)
    settings = {"statsd_host": daemon.address, "statsd_prefix": "shop"}
    with serve("app", worker=worker, chdir=tmp_path, settings=settings) as server:
        for path in ("/", "/", "/error"):
            web.get(f"{server.url}{path}")
        wanted = {"requests": 3, "request_status_404": 2, "request_status_500": 1}
        logs = {"log_warning": 2, "log_exception": 1}
        found = daemon.wait_for(**wanted, **logs)

        assert found == {name.replace("_", "."): each for name, each in (wanted | logs).items()}
        text = b"\n".join(daemon.datagrams)
        assert len(re.findall(rb"shop\.gunicorn\.request\.duration:[\d.]+\|ms", text)) == 3
        assert b"shop.gunicorn.workers:1|g" in text
        assert b"backlog" not in text


@pytest.mark.process
def test_a_reload_loses_no_count_and_the_end_sends_the_last(tmp_path, daemon):
    (tmp_path / "app.py").write_text(APPLICATION)
    settings = {
        "statsd_host": daemon.address,
        "statsd_prefix": "shop",
        "enable_backlog_metric": True,
    }
    with serve("app", workers=2, chdir=tmp_path, settings=settings) as server:
        web.get(server.url)
        server.signal(signal.SIGHUP)
        server.wait_for("ready", count=4)
        web.get(server.url)
        assert server.stop() == 0

        assert daemon.wait_for(requests=2, log_warning=2) == {"requests": 2, "log.warning": 2}
        assert re.search(rb"shop\.gunicorn\.backlog:\d+\|h", b"\n".join(daemon.datagrams))


@pytest.mark.process
def test_a_hook_sends_metrics_of_its_own(tmp_path, daemon):
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "gunicorn.conf.py").write_text(
        f"statsd_host, statsd_prefix, loglevel = {daemon.address!r}, 'shop', 'warning'\n"
        "def when_ready(server):\n"
        "    extra = {'metric': 'gunicorn.own', 'value': 2, 'mtype': 'counter'}\n"
        "    server.log.info('', extra=extra)\n"
        "def post_fork(server, worker):\n"
        "    for kind in ('gauge', 'timer', 'histogram', 'unknown'):\n"
        "        worker.log.info('', extra={'metric': 'my.' + kind, 'value': 7, 'mtype': kind})\n"
    )
    with serve("app", chdir=tmp_path) as server:
        web.get(server.url)
        daemon.wait_for(own=2, requests=1)

    found = [line for line in daemon.datagrams if line.startswith(b"shop.my.")]
    assert found == [b"shop.my.gauge:7|g", b"shop.my.timer:7|ms", b"shop.my.histogram:7|h"]


def test_without_a_daemon_there_is_nothing():
    config = resolve(declare_settings(load_plugins([], {})), [])

    assert hookserve_statsd.configured_plugins(config) == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("statsd_host", "a:b:c", "expected host:port or unix://PATH"),
        ("statsd_prefix", "a|b", "expected a string of ASCII"),
        ("dogstatsd_tags", "a:b\nc", "expected a string of ASCII"),
    ],
)
def test_a_value_that_the_protocol_cannot_carry_is_refused(name, value, message):
    table = declare_settings(load_plugins([], {}))

    with pytest.raises(ConfigError, match=message):
        resolve(table, [SettingsSource("test", {name: value})])
