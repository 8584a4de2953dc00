"""Which sibling worker a worker yields connections to."""

import select
from types import SimpleNamespace

import pytest

from hookserve.reactor.balancing import Siblings
from hookserve.worker.scoreboard import DRAINING, READY, Scoreboard


@pytest.fixture
def setting():
    """A worker's view of two siblings, all three idle and with 20 connections."""
    scoreboard = Scoreboard(4, 2, notifiable=3)
    slots = [scoreboard.take() for _ in range(3)]
    for slot in slots:
        slot.state, slot.open_connections = READY, 20
    siblings = Siblings(scoreboard, slots[0])
    return SimpleNamespace(scoreboard=scoreboard, slots=slots, siblings=siblings)


def test_a_sibling_with_slightly_fewer_connections_is_not_least_loaded(setting):
    setting.slots[1].open_connections = 17

    assert setting.siblings.least_loaded(20) == -1


def test_the_sibling_with_the_fewest_connections_is_least_loaded(setting):
    setting.slots[1].open_connections, setting.slots[2].open_connections = 10, 5

    assert setting.siblings.least_loaded(20) == 2


def test_the_imbalance_threshold_grows_with_the_connections(setting):
    setting.slots[0].open_connections = 1000
    setting.slots[1].open_connections = 935

    assert setting.siblings.least_loaded(1000) == 2
    setting.slots[2].open_connections = 935
    assert setting.siblings.least_loaded(1000) == -1


def test_a_worker_that_runs_a_request_is_not_waited_for(setting):
    setting.slots[1].open_connections = setting.slots[2].open_connections = 0
    request_slot = setting.slots[1].request_slot(0)
    request_slot.begin(1.0, b"GET /")

    assert setting.siblings.least_loaded(20) == 2
    setting.slots[2].state = DRAINING
    assert setting.siblings.least_loaded(20) == -1
    request_slot.end(2.0, 2, 0)
    assert setting.siblings.least_loaded(20) == 1


def test_a_worker_that_is_gone_is_not_waited_for(setting):
    setting.slots[1].open_connections = 0
    setting.scoreboard.give_back(setting.slots[1])

    assert setting.siblings.least_loaded(20) == -1


def test_a_worker_notified_in_vain_is_expected_again_later(setting):
    setting.slots[1].open_connections = 0
    setting.siblings.notify(1, 20)

    assert setting.siblings.least_loaded(21) == -1
    assert setting.siblings.least_loaded(40) == 1
    assert setting.siblings.least_loaded(10) == 1
    Siblings(setting.scoreboard, setting.slots[1]).acknowledge()
    assert setting.siblings.least_loaded(21) == 1


def test_a_notice_wakes_its_worker_alone(setting):
    others = [Siblings(setting.scoreboard, slot) for slot in setting.slots[1:]]
    poll = select.poll()
    for each in others:
        poll.register(each.wakeup_fd, select.POLLIN)

    setting.siblings.notify(1, 20)

    assert poll.poll(0) == [(others[0].wakeup_fd, select.POLLIN)]


def test_a_worker_without_a_wakeup_descriptor_is_not_notified_and_notifies():
    scoreboard = Scoreboard(2, 2, notifiable=1)
    first, second = scoreboard.take(), scoreboard.take()
    first.state = second.state = READY

    assert Siblings(scoreboard, second).wakeup_fd == -1
    assert Siblings(scoreboard, second).least_loaded(20) == 0
    assert Siblings(scoreboard, first).least_loaded(20) == 0
