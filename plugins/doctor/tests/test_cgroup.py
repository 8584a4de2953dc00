"""Limits of control groups."""

import pytest
from hookserve_doctor.cgroup import Group, check_cgroup

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins


@pytest.fixture
def make(tmp_path):
    """Makes a group with these files, the process being in it."""

    def make(line="0::/shop", folder="shop", **files):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(f"{line}\n")
        (tmp_path / "root" / folder).mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / "root" / folder / name.replace("__", ".")).write_text(f"{text}\n")
        return Group(str(tmp_path / "proc"), str(tmp_path / "root"))

    return make


def levels(group, **settings):
    config = resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])
    return {each.subject: each for each in check_cgroup(config, group)}


def test_the_limits_of_a_group_are_read(make):
    group = make(cpu__max="150000 100000", memory__max="536870912", pids__max="100")

    assert (group.processors(), group.memory(), group.processes()) == (1.5, 512 << 20, 100)


def test_a_group_without_limits_has_none(make):
    group = make(cpu__max="max 100000", memory__max="max", pids__max="max")

    assert (group.processors(), group.memory(), group.processes()) == (None, None, None)


def test_version_1_has_a_group_for_each_controller(make):
    group = make(
        "4:cpu,cpuacct:/shop", "cpu/shop", cpu__cfs_quota_us="50000", cpu__cfs_period_us="100000"
    )

    assert group.processors() == 0.5


def test_no_groups_are_no_limits(tmp_path):
    group = Group(str(tmp_path), str(tmp_path))

    assert (group.processors(), group.memory(), group.processes()) == (None, None, None)


def test_more_workers_than_the_group_has_time_for_are_a_warning(make):
    group = make(cpu__max="50000 100000", memory__max="268435456", pids__max="20")

    found = levels(group, workers=8, threads=2)

    assert {name: each.level for name, each in found.items()} == {
        "processors": "warning",
        "memory": "warning",
        "pids.max": "warning",
    }
    assert "8 workers for 0.5 processors, by the control group" in found["processors"].text
    assert "256 MiB for 8 workers" in found["memory"].text


def test_what_fits_is_no_warning(make):
    group = make(cpu__max="100000 100000", memory__max="1073741824", pids__max="100")

    assert {each.level for each in levels(group, workers=2).values()} == {"ok"}
