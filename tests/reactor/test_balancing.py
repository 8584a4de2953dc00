"""Which other worker one leaves connections to."""

import select
from types import SimpleNamespace

import pytest

from hookserve.reactor.balancing import Siblings
from hookserve.worker.scoreboard import DRAINING, READY, Scoreboard

HEEDED = 5


@pytest.fixture
def setting():
    """A worker's view of two others, all three with 20 connections and nothing to do."""
    scoreboard = Scoreboard(4, 2, bells=3)
    slots = [scoreboard.take() for _ in range(3)]
    for slot in slots:
        slot.words[0], slot.words[2] = READY, 20
    return SimpleNamespace(scoreboard=scoreboard, slots=slots, peers=Siblings(scoreboard, slots[0]))


def test_nobody_is_behind_who_has_a_few_less(setting):
    setting.slots[1].words[2] = 17

    assert setting.peers.find_behind(20) == -1


def test_the_one_with_the_fewest_is_found(setting):
    setting.slots[1].words[2], setting.slots[2].words[2] = 10, 5

    assert setting.peers.find_behind(20) == 2


def test_the_more_connections_the_more_one_may_have_ahead(setting):
    setting.slots[0].words[2] = 1000
    setting.slots[1].words[2] = 935

    assert setting.peers.find_behind(1000) == 2
    setting.slots[2].words[2] = 935
    assert setting.peers.find_behind(1000) == -1


def test_a_worker_that_runs_a_request_is_not_waited_for(setting):
    setting.slots[1].words[2] = setting.slots[2].words[2] = 0
    request_slot = setting.slots[1].request_slot(0)
    request_slot.begin(1.0, b"GET / HTTP/1.1\r\n")

    assert setting.peers.find_behind(20) == 2
    setting.slots[2].words[0] = DRAINING
    assert setting.peers.find_behind(20) == -1
    request_slot.end(200, 0)
    assert setting.peers.find_behind(20) == 1


def test_a_worker_that_is_gone_is_not_waited_for(setting):
    setting.slots[1].words[2] = 0
    setting.scoreboard.give_back(setting.slots[1])

    assert setting.peers.find_behind(20) == -1


def test_a_worker_that_was_rung_for_in_vain_has_its_next_chance_later(setting):
    setting.slots[1].words[2] = 0
    setting.peers.ring(1, 20)

    assert setting.peers.find_behind(21) == -1
    assert setting.peers.find_behind(40) == 1
    assert setting.peers.find_behind(10) == 1
    setting.slots[1].words[HEEDED] += 1
    assert setting.peers.find_behind(21) == 1


def test_a_bell_is_heard_by_its_worker_alone(setting):
    others = [Siblings(setting.scoreboard, slot) for slot in setting.slots[1:]]
    poll = select.poll()
    for each in others:
        poll.register(each.bell, select.POLLIN)

    setting.peers.ring(1, 20)

    assert poll.poll(0) == [(others[0].bell, select.POLLIN)]


def test_a_worker_whose_slot_has_no_bell_is_not_seen_and_sees():
    scoreboard = Scoreboard(2, 2, bells=1)
    first, second = scoreboard.take(), scoreboard.take()
    first.words[0] = second.words[0] = READY

    assert Siblings(scoreboard, second).bell == -1
    assert Siblings(scoreboard, second).find_behind(20) == 0
    assert Siblings(scoreboard, first).find_behind(20) == 0
