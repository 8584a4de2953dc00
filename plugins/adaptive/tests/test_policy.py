"""The policy, without a server: it follows the load and does not flap."""

import math
import random

import pytest
from hookserve_adaptive.policy import Policy, Sample

IDLE = 60.0


class Simulation:
    """Workers that boot in some ticks and run what is asked of them, as far as they can."""

    def __init__(self, least=1, most=16, capacity=4, boot=2, busy=0.75):
        self.policy = Policy(busy, IDLE)
        self.least, self.most = least, most
        self.capacity, self.boot = capacity, boot
        self.wanted = self.ready = least
        self.booting = []
        self.now = 0.0
        self.history = [least]
        """How many workers were wanted after each tick."""

    def tick(self, demand):
        """One second with so many requests at once."""
        self.now += 1.0
        self.booting = [left - 1 for left in self.booting]
        self.ready += self.booting.count(0)
        self.booting = [left for left in self.booting if left]
        in_flight = min(round(demand), self.ready * self.capacity)
        is_complete = self.ready >= self.wanted and not self.booting
        sample = Sample(self.now, self.wanted, self.ready, is_complete, in_flight, self.capacity)
        target = self.policy.decide(sample, self.least, self.most)
        missing = target - self.ready - len(self.booting)
        self.booting += [self.boot] * max(0, missing)
        self.ready = min(self.ready, target)
        self.wanted = target
        self.history.append(target)

    def run(self, demands):
        for demand in demands:
            self.tick(demand)

    @property
    def changes(self):
        return sum(a != b for a, b in zip(self.history, self.history[1:], strict=False))


def test_without_load_the_number_stays():
    simulation = Simulation(least=2)

    simulation.run([0] * 600)

    assert set(simulation.history) == {2}


def test_a_step_is_followed_up_and_then_down_without_a_detour():
    simulation = Simulation()

    simulation.run([20] * 120)
    at_work = simulation.history[-1]
    simulation.run([1] * 1200)

    assert 20 / (at_work * 4) <= 0.75
    assert at_work <= 8
    assert simulation.history[-1] == 1
    assert simulation.changes == 2 * (at_work - 1)
    rise, fall = simulation.history[:121], simulation.history[121:]
    assert rise == sorted(rise)
    assert fall == sorted(fall, reverse=True)


def test_growth_waits_for_who_boots():
    simulation = Simulation(boot=10)

    simulation.run([20] * 9)

    assert simulation.history[-1] == 2


def test_many_workers_grow_by_a_quarter():
    simulation = Simulation(least=8, most=100)

    simulation.run([1000] * 3)

    assert simulation.history[-1] == 10


def test_one_busy_moment_is_not_enough():
    simulation = Simulation()

    simulation.run([4 if second % 3 == 0 else 0 for second in range(300)])

    assert simulation.changes == 0


def test_the_range_is_kept():
    simulation = Simulation(least=2, most=4)

    simulation.run([1000] * 100)
    assert simulation.history[-1] == 4
    simulation.run([0] * 1000)
    assert simulation.history[-1] == 2


def test_a_number_outside_the_range_is_corrected_at_once():
    policy = Policy(0.75, IDLE)

    assert policy.decide(Sample(0.0, 8, 8, True, 0, 4), 2, 4) == 4
    assert policy.decide(Sample(1.0, 1, 1, True, 0, 4), 2, 4) == 2


def test_workers_are_not_added_while_those_that_are_wanted_do_not_come():
    policy = Policy(0.75, IDLE)

    targets = {policy.decide(Sample(now, 4, 1, False, 4, 4), 1, 16) for now in range(100)}

    assert targets == {4}


@pytest.mark.parametrize("period", [10, 30, 50])
def test_a_sawtooth_shorter_than_the_quiet_time_ends_in_a_steady_number(period):
    simulation = Simulation()

    simulation.run([20 * (second % period) / period for second in range(1200)])
    simulation.history = simulation.history[600:]

    assert simulation.changes == 0


def test_a_long_wave_is_followed_up_and_down_once_each_time():
    simulation = Simulation(least=2)
    period = 2400

    simulation.run([14 - 13 * math.cos(second * math.tau / period) for second in range(3 * period)])

    peak = max(simulation.history)
    assert simulation.changes <= 3 * 2 * (peak - 2)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("load", [1, 3, 7, 12, 25])
def test_noise_around_a_load_is_not_followed(seed, load):
    """A Poisson process in equilibrium: as many requests at once as chance has it."""
    chance = random.Random(seed)
    simulation = Simulation()

    simulation.run([poisson(chance, load) for _ in range(3600)])

    # An hour of it: up to the number that is enough, then corrections that become rare.
    assert max(simulation.history) <= 1 + load
    assert simulation.changes <= max(simulation.history) + 10
    simulation.history = simulation.history[1800:]
    assert simulation.changes <= 6


@pytest.mark.parametrize("capacity", [1, 2, 40])
def test_a_model_of_any_capacity_can_be_too_busy_and_quiet(capacity):
    simulation = Simulation(capacity=capacity, most=4)

    simulation.run([1000] * 100)
    assert simulation.history[-1] == 4
    simulation.run([0] * 600)
    assert simulation.history[-1] == 1


def poisson(chance, mean):
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count
