"""What a part of the arbiter is by default, and that the loop asks each of them."""

import os

import pytest
from support.fake_arbiter import serving

from hookserve.arbiter.parts import Part


class Recorded(Part):
    """A part that has something of each kind."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.steps = []
        self.reaped = 0
        self.moment = None

    def descriptors(self):
        return (self.descriptor,)

    def pids(self):
        return (4711,)

    def due(self, now):
        return self.moment

    def step(self, now):
        self.steps.append(now)

    def reap(self):
        self.reaped += 1


@pytest.fixture
def arbiter():
    with serving(workers=1) as server:
        yield server.arbiter


@pytest.fixture
def part(arbiter):
    made = Recorded(os.dup(0))
    arbiter._parts = (*arbiter._parts, made)
    yield made
    os.close(made.descriptor)


def test_a_part_that_overrides_nothing_changes_nothing(arbiter):
    before = arbiter.own_descriptors(), arbiter.other_children(), arbiter._next_deadline(0.0)
    arbiter._parts = (*arbiter._parts, Part())

    arbiter._reap()
    for each in arbiter._parts:
        each.step(arbiter.clock())

    after = arbiter.own_descriptors(), arbiter.other_children(), arbiter._next_deadline(0.0)
    assert after == before


def test_a_new_part_is_one_line_of_the_list(arbiter, part):
    assert part.descriptor in arbiter.own_descriptors()
    assert arbiter.other_children() == {4711}

    arbiter._reap()

    assert part.reaped == 1


def test_the_loop_waits_for_the_nearest_deadline_of_all_parts(arbiter, part):
    now = arbiter.clock()
    others = arbiter._next_deadline(now)
    assert others is None or others > now + 0.5

    part.moment = now + 0.5
    assert arbiter._next_deadline(now) == now + 0.5

    part.moment = now  # it is due: the loop does not wait
    arbiter.turn()
    assert part.steps == [now]
