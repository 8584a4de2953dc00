"""How long a stop takes."""

import pytest
from hookserve_doctor.deadlines import check_deadlines

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins


def check(environ, **settings):
    config = resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])
    return {each.subject: each for each in check_deadlines(config, environ)}


@pytest.mark.parametrize("variable", ["KUBERNETES_SERVICE_HOST", "DYNO"])
@pytest.mark.parametrize(("graceful", "level"), [(25, "warning"), (24, "ok")])
def test_a_stop_has_to_end_before_kill(variable, graceful, level):
    found = check({variable: "1"}, drain_delay=5, graceful_timeout=graceful)

    assert found["stop"].level == level


@pytest.mark.parametrize("name", ["kubernetes", "heroku"])
def test_the_platform_that_the_profile_names_counts_on_other_machines_too(name):
    found = check({}, behind=name, drain_delay=20, graceful_timeout=30)

    assert found["stop"].level == "warning"
    assert f"{name} sends KILL after 30 s" in found["stop"].text
    assert check({}, behind=name)["stop"].level == "ok"


def test_only_what_the_platform_has_is_advised():
    advice = check({"DYNO": "1"}, graceful_timeout=60)["stop"].remedy
    assert "terminationGracePeriodSeconds" not in advice

    advice = check({}, behind="kubernetes", graceful_timeout=60)["stop"].remedy
    assert "terminationGracePeriodSeconds" in advice


def test_elsewhere_there_is_no_limit():
    assert check({}, graceful_timeout=300)["stop"].level == "ok"


def test_a_request_may_not_take_longer_than_a_stop():
    assert "requests at a stop" not in check({}, request_timeout=30, graceful_timeout=30)
    found = check({}, request_timeout=60, graceful_timeout=30)
    assert found["requests at a stop"].level == "warning"
