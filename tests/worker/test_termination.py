"""When an auxiliary process ends that has had TERM."""

from math import inf

import pytest
from support.terminations import ServerState


class Process:
    """An auxiliary process, and its server."""

    def __init__(self):
        self.server, self.now = ServerState(), 100.0
        self.termination = self.server.termination(lambda: self.now)

    def ends(self, after=0.0):
        """Whether it ends so long after TERM, in seconds."""
        self.termination.on_sigterm()
        self.now += after
        return self.termination.is_over()


@pytest.fixture
def process():
    return Process()


def test_it_waits_for_ever_until_term_comes(process):
    process.server.stop()
    process.server.workers = []

    assert not process.termination.is_over()
    assert process.termination.pause == inf


def test_a_server_that_stops_is_served_until_its_last_worker_is_gone(process):
    process.server.stop()
    assert not process.ends(after=60.0)
    assert process.termination.pause == 0.1

    process.server.workers = []

    assert process.termination.is_over()
    process.termination.exit()


def test_a_drain_delay_in_which_all_workers_are_being_replaced_is_not_the_end(process):
    process.server.drain()
    process.server.workers = []
    assert not process.ends(after=60.0)

    process.server.stop()

    assert process.termination.is_over()


def test_the_arbiter_may_have_its_own_signal_later(process):
    assert not process.ends(after=0.4)
    process.server.drain()
    process.now += 1.0

    assert not process.termination.is_over()


@pytest.mark.parametrize("changed", [{"generation": 4}, {"reloads_wanted": 1}])
def test_a_reload_ends_it_at_once(process, changed):
    process.server.__dict__.update(changed)

    assert process.ends()


def test_the_process_that_a_reload_has_replaced_ends_well(process):
    process.server.generation = 4
    process.termination.exit()


def test_a_server_that_goes_on_starts_it_again(process):
    assert process.ends(after=0.5)

    with pytest.raises(SystemExit) as caught:
        process.termination.exit()
    assert caught.value.code == 143
