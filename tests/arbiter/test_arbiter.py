"""The arbiter's loop, with fake workers."""

import logging
import os
import signal

import pytest

from hookserve.worker.channel import Message
from tests.support.fake_arbiter import FakeServer, serving


def test_a_signal_without_a_meaning_is_one_line_and_the_others_of_the_batch_are_handled(caplog):
    with serving() as server:
        arbiter = server.arbiter
        numbers = [signal.SIGALRM, 99, signal.SIGRTMIN, signal.SIGTERM, signal.SIGALRM]
        os.write(arbiter._inbox.descriptors()[1], bytes(numbers))
        with caplog.at_level(logging.WARNING):
            arbiter._process_signals()
            os.write(arbiter._inbox.descriptors()[1], bytes([signal.SIGALRM]))
            arbiter._process_signals()

        assert arbiter.is_stopping
        assert [record.getMessage().split(" is ignored")[0] for record in caplog.records] == [
            "SIGALRM",
            "signal 99",
            "SIGRTMIN",
        ]


@pytest.mark.parametrize(("daemon", "wanted"), [(False, 2), (True, 0)])
def test_winch_drains_the_workers_of_a_daemon_alone(daemon, wanted):
    with serving(daemon=daemon) as server:
        os.write(server.arbiter._inbox.descriptors()[1], bytes([signal.SIGWINCH]))

        server.arbiter._process_signals()

        assert server.arbiter.num_workers == wanted


@pytest.mark.parametrize("value", [float("inf"), 1e300])
def test_a_heartbeat_out_of_range_does_not_stop_the_loop(value):
    with serving(timeout=30) as server:
        server.handle(0).slot.heartbeat = value
        os.write(server.arbiter._inbox.descriptors()[1], bytes([signal.SIGTERM]))

        server.arbiter.turn()

        assert server.arbiter.is_stopping


def test_what_a_worker_writes_is_one_line_of_the_log(caplog):
    server = FakeServer()
    try:
        server.become_ready()
        forged = "enough\n[2026-11-28 00:00:00] [1] [CRITICAL] forged" + "x" * 10_000
        with caplog.at_level(logging.INFO):
            server.arbiter.messages.on_message(server.handle(0), Message("recycle", forged))

        (record,) = caplog.records
        assert "\n" not in record.getMessage()
        assert len(record.getMessage()) < 300
        server.arbiter.messages.on_message(server.handle(1), Message("boot failed", "a\nb", 3))
        assert server.handle(1).boot_error == "a\n  b"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("number", "settings", "line"),
    [
        (signal.SIGTERM, {}, "stopping, asked by SIGTERM"),
        (signal.SIGINT, {}, "stopping quickly, asked by SIGINT"),
        (signal.SIGHUP, {}, "reloading, asked by SIGHUP"),
        (
            signal.SIGTERM,
            {"drain_delay": 5},
            "drain delay: connections are accepted for 5 s more, asked by SIGTERM",
        ),
    ],
)
def test_the_log_says_who_has_asked_for_a_stop_or_a_reload(number, settings, line, caplog):
    caplog.set_level("INFO", "hookserve")
    with serving(workers=1, **settings) as server:
        os.write(server.arbiter._inbox.descriptors()[1], bytes([number]))
        server.arbiter.turn()

        assert line in caplog.messages


def test_the_log_names_a_plugin_that_stops_the_server(caplog):
    caplog.set_level("INFO", "hookserve")
    with serving(workers=1) as server:
        server.arbiter.stop("the watchdog")

        assert "stopping, asked by the watchdog" in caplog.messages
