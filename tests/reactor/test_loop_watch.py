"""A hub is watched by a real thread, which keeps what is to be logged until the hub runs again."""

import logging
import time

import pytest

from hookserve.reactor.loop_watch import HubMonitor
from hookserve.testing import wait_until

LIMIT = 0.1


class Hub:
    """A loop that runs when a test says so."""

    def __init__(self):
        self.is_busy, self.notified = True, 0
        self.cell = memoryview(bytearray(8)).cast("d")
        self.monitor = HubMonitor(LIMIT, lambda: self.is_busy, "--the-option", self.notify)
        self.monitor.start(self.cell)
        self.monitor.wake()

    def notify(self):
        self.notified += 1

    def run(self, seconds):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.monitor._asked.wait(left):
                self.monitor.on_readable()

    def messages(self, caplog):
        self.monitor.log_messages(logging.getLogger("hookserve.test"))
        return caplog.messages


@pytest.fixture
def hub():
    made = Hub()
    yield made
    made.is_busy = False
    made.run(3 * LIMIT)


def test_how_long_it_is_blocked_is_shown_meanwhile(hub):
    hub.run(3 * LIMIT)
    assert hub.cell[0] < LIMIT

    wait_until(lambda: hub.cell[0] > 3 * LIMIT)

    hub.run(3 * LIMIT)
    assert hub.cell[0] < LIMIT


def test_the_log_names_the_line_when_the_hub_runs_again(hub, caplog):
    hub.run(2 * LIMIT)
    wait_until(lambda: hub.cell[0] > 3 * LIMIT)
    assert hub.notified == 0

    hub.run(LIMIT / 2)

    assert hub.notified
    (line,) = hub.messages(caplog)
    assert line.startswith("the event loop was blocked for more than 0.1 s at ")
    assert "--the-option" in line
    assert hub.messages(caplog) == [line]


def test_without_requests_it_is_not_asked(hub):
    hub.run(2 * LIMIT)
    hub.is_busy = False
    hub.run(2 * LIMIT)

    assert not hub.monitor._asked.wait(3 * LIMIT)
    assert hub.cell[0] == 0.0
    assert not hub.monitor._wakeup.is_set()


def test_what_is_to_be_logged_is_not_logged_by_a_forked_child_too(hub, caplog):
    hub.run(2 * LIMIT)
    wait_until(lambda: hub.cell[0] > 3 * LIMIT)

    hub.monitor.after_fork()

    assert hub.messages(caplog) == []
