"""Limits of a process."""

from resource import RLIM_INFINITY

import pytest
from hookserve_doctor import limits
from hookserve_doctor.limits import check_limits, most_workers, threads_of

from hookserve import Capabilities, WorkerType
from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins

MODELS = [
    WorkerType("single", "x:y", "one thread"),
    WorkerType(
        "pool", "x:y", "threads", capabilities=Capabilities(settings=frozenset({"threads"}))
    ),
]


def configure(**settings):
    return resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])


@pytest.mark.parametrize(
    ("hard", "level"), [(1024, "warning"), (1064, "ok"), (RLIM_INFINITY, "ok")]
)
def test_each_connection_takes_a_descriptor(monkeypatch, hard, level):
    monkeypatch.setattr(limits.resource, "getrlimit", lambda _: (100, hard))

    found = next(check_limits(configure(worker_connections=1000), MODELS))

    assert (found.subject, found.level) == ("open files", level)
    assert bool(found.remedy) == (level == "warning")


def test_a_reload_takes_twice_the_threads(monkeypatch):
    config = configure(workers=4, threads=7, worker_class="pool")
    assert threads_of(config, MODELS, 4) == 33
    for soft, level in ((65, "warning"), (66, "ok"), (RLIM_INFINITY, "ok")):
        monkeypatch.setattr(limits.resource, "getrlimit", lambda _, soft=soft: (soft, -1))
        assert list(check_limits(config, MODELS))[1].level == level


@pytest.mark.parametrize("model", ["single", "sync", "unknown"])
def test_a_model_without_a_pool_has_one_thread_for_each_worker(model):
    assert threads_of(configure(threads=7, worker_class=model), MODELS, 4) == 5


def test_the_most_workers_that_there_may_be_count(monkeypatch):
    assert most_workers(configure(workers=2)) == 2
    assert most_workers(configure(workers=2, adaptive_max=9)) == 9
