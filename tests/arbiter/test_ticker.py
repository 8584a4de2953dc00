"""Periodic hooks, with a clock that a test moves."""

from support.fake_arbiter import serving

from hookserve import hookimpl


class Steers:
    """Counts ticks, and wants as many workers as the test says."""

    def __init__(self, wanted=None, interval=None):
        self.ticks, self.wanted, self.interval = 0, wanted, interval

    @hookimpl
    def server_tick(self):
        self.ticks += 1

    @hookimpl
    def target_workers(self, stats):
        return self.wanted

    @hookimpl
    def tick_intervals(self):
        return [] if self.interval is None else [self.interval]


def test_without_a_hook_there_is_no_tick():
    with serving(workers=1) as server:
        assert server.arbiter.ticker.due(server.clock.now) is None


def test_a_tick_comes_once_in_an_interval():
    plugin = Steers()
    with serving(workers=1, plugins=[plugin], tick_interval=5) as server:
        ticks = plugin.ticks
        server.turn(seconds=4)
        assert plugin.ticks == ticks
        server.turn(seconds=1)
        assert plugin.ticks == ticks + 1


def test_the_shortest_interval_counts():
    with serving(workers=1, plugins=[Steers(interval=0.5)], tick_interval=5) as server:
        assert server.arbiter.ticker.due(server.clock.now) == server.clock.now + 0.5


def test_a_plugin_that_asks_for_no_pause_occupies_no_processor():
    with serving(workers=1, plugins=[Steers(interval=0)], tick_interval=5) as server:
        assert server.arbiter.ticker.due(server.clock.now) == server.clock.now + 0.01


def test_a_plugin_decides_how_many_workers_there_are():
    with serving(workers=1, plugins=[Steers(wanted=3)]) as server:
        assert server.arbiter.num_workers == 3
