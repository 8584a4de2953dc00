"""How many workers there are to be."""

import os

import pytest
from support.cgroups import FakeGroups, group_of

from hookserve.config.workers import count_processors, count_workers
from hookserve.system.cgroup import ControlGroups
from hookserve.testing.fakes import configure

AUTO = {"workers": "auto"}
NO_LIMIT = (4, "workers auto: 4, the processors that the affinity mask allows")


@pytest.fixture(autouse=True)
def four_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)


def test_a_number_of_workers_is_taken_as_it_is():
    assert count_workers(configure({"workers": "7"})) == (7, "")


def test_where_there_is_no_cgroup_each_allowed_processor_has_a_worker(tmp_path):
    assert count_workers(configure(AUTO), ControlGroups(str(tmp_path))) == NO_LIMIT


@pytest.mark.parametrize("text", ["max 100000", "x y"])
def test_a_cgroup_without_a_limit_that_can_be_read_has_none(tmp_path, text):
    assert count_workers(configure(AUTO), group_of(tmp_path, cpu__max=text)) == NO_LIMIT


@pytest.mark.parametrize(
    ("text", "count", "quota"),
    [
        ("100000 100000", 1, "1"),
        ("10000 100000", 1, "0.1"),
        ("149000 100000", 1, "1.49"),
        ("150000 100000", 2, "1.5"),
        ("250000 100000", 3, "2.5"),
        ("6400000 100000", 4, "64"),
    ],
)
def test_a_quota_is_rounded_and_never_more_than_the_processors(tmp_path, text, count, quota):
    groups = group_of(tmp_path, cpu__max=text)

    assert count_workers(configure(AUTO), groups) == (
        count,
        f"workers auto: {count}, from a quota of {quota} ({tmp_path}/mounted/shop/cpu.max) and 4"
        " processors allowed",
    )


def test_the_quota_may_be_that_of_a_group_above(tmp_path):
    groups = FakeGroups(tmp_path)
    groups.mount()
    groups.join("/shop.slice/shop.service")
    groups.write("/shop.slice", cpu__max="200000 100000")
    groups.write("/shop.slice/shop.service", cpu__max="max 100000")

    assert count_workers(configure(AUTO), groups.seen())[0] == 2


def test_where_there_is_no_affinity_mask_each_processor_counts(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert count_processors() == 6

    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count_processors() == 1
