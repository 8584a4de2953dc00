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


def test_elsewhere_there_is_no_limit():
    assert check({}, graceful_timeout=300)["stop"].level == "ok"


def test_a_request_may_not_take_longer_than_a_stop():
    assert "requests at a stop" not in check({}, request_timeout=30, graceful_timeout=30)
    found = check({}, request_timeout=60, graceful_timeout=30)
    assert found["requests at a stop"].level == "warning"
