"""Limits of a process."""

from resource import RLIM_INFINITY

import pytest
from hookserve_doctor import limits
from hookserve_doctor.limits import check_limits, threads_of

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins


def configure(**settings):
    return resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])


@pytest.mark.parametrize(
    ("hard", "level"), [(1024, "warning"), (1064, "ok"), (RLIM_INFINITY, "ok")]
)
def test_each_connection_takes_a_descriptor(monkeypatch, hard, level):
    monkeypatch.setattr(limits.resource, "getrlimit", lambda _: (100, hard))

    found = next(check_limits(configure(worker_connections=1000)))

    assert (found.subject, found.level) == ("open files", level)
    assert bool(found.remedy) == (level == "warning")


def test_a_reload_takes_twice_the_threads(monkeypatch):
    config = configure(workers=4, threads=7)
    assert threads_of(config, 4) == 33
    for soft, level in ((65, "warning"), (66, "ok"), (RLIM_INFINITY, "ok")):
        monkeypatch.setattr(limits.resource, "getrlimit", lambda _, soft=soft: (soft, -1))
        assert list(check_limits(config))[1].level == level
