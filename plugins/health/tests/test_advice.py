"""What the doctor says of health checks."""

from hookserve_health.advice import advise

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins


def check(**settings):
    config = resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])
    return [(each.level, each.subject) for each in advise(config)]


def test_a_server_that_can_be_asked_is_well():
    assert check(health_bind="127.0.0.1:8001") == [("ok", "health checks")]
    assert check(health=True, workers="auto", health_min_workers=2) == [("ok", "health checks")]


def test_a_drain_delay_that_no_load_balancer_sees_is_a_note():
    assert check(drain_delay=5) == [("note", "health checks")]
    assert check() == []


def test_a_check_that_is_not_there_is_a_warning():
    address = {"health_bind": "127.0.0.1:8001"}
    assert check(health_check="nowhere_x:c", **address) == [("warning", "health checks")]
    assert check(health_check="os.path:isdir", **address) == [("ok", "health checks")]


def test_more_workers_asked_for_than_there_are_is_a_warning():
    settings = {"health_agent_bind": "127.0.0.1:8001", "health_min_workers": 3}

    assert check(workers=2, **settings) == [("warning", "health checks")]
    assert check(workers=3, **settings) == [("ok", "health checks")]
    assert check(workers=2, adaptive_max=4, **settings) == [("ok", "health checks")]
