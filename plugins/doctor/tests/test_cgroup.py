"""What the limits of control groups are for the workers."""

import os

from hookserve_doctor.cgroup import check_cgroup
from support.cgroups import FakeGroups, group_of

from hookserve import Capabilities, WorkerType
from hookserve.testing.fakes import configure

POOL = WorkerType("pool", "x:y", "", capabilities=Capabilities(settings=frozenset({"threads"})))


def levels(group, **settings):
    config = configure({"worker_class": "pool", **settings})
    return {each.subject: each for each in check_cgroup(config, [POOL], group)}


def test_more_workers_than_the_group_has_time_for_are_a_warning(tmp_path):
    groups = FakeGroups(tmp_path)
    groups.mount()
    groups.join("/shop.slice/shop.service")
    groups.write("/shop.slice", cpu__max="50000 100000", memory__max=256 << 20, pids__max=20)
    groups.write("/shop.slice/shop.service", cpu__max="max 100000", memory__max="max")

    found = levels(groups.seen(), workers=8, threads=2)

    folder = f"{tmp_path}/mounted/shop.slice"
    assert {name: (each.level, each.text) for name, each in found.items()} == {
        "processors": ("warning", f"8 workers for 0.5 processors, by {folder}/cpu.max"),
        "memory": (
            "warning",
            f"256 MiB for 8 workers and the arbiter, 28 MiB each, by {folder}/memory.max",
        ),
        "pids.max": (
            "warning",
            f"20 processes and threads allowed, by {folder}/pids.max, 25 wanted, twice that in a"
            " reload",
        ),
    }


def test_memory_beyond_which_the_kernel_slows_them_down_is_a_limit_too(tmp_path):
    found = levels(group_of(tmp_path, memory__high=128 << 20), workers=2)

    assert found["memory.high"].level == "warning"
    assert found["memory.high"].text.endswith(
        "/shop/memory.high: the kernel slows all of them down beyond that"
    )


def test_what_fits_is_no_warning(tmp_path):
    group = group_of(
        tmp_path,
        cpu__max="100000 100000",
        memory__max=1 << 30,
        memory__high=900 << 20,
        pids__max=100,
    )

    found = levels(group, workers=2)

    assert {each.level for each in found.values()} == {"ok"}
    assert {"memory", "memory.high"} <= set(found)


def test_a_group_without_limits_is_no_warning(tmp_path):
    found = levels(group_of(tmp_path), workers=2)

    assert found["memory"].text == "no control group has a limit"
    assert {each.level for each in found.values()} == {"ok"}


def test_workers_that_the_machine_counts_are_counted_here_too(tmp_path):
    found = levels(group_of(tmp_path, cpu__max="1000 100000"), workers="auto")

    assert found["processors"].text.startswith("1 worker for 0.01 processors")


def test_threads_are_of_as_many_workers_as_the_groups_allow(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    group = group_of(tmp_path, cpu__max="100000 100000", pids__max=100)

    found = levels(group, workers="auto", threads=2)

    assert found["processors"].text.startswith("1 worker for 1 processor, by ")
    assert found["pids.max"].text.endswith(", 4 wanted")
