"""The limits of control groups: those that hold for the process."""

import pytest
from support.cgroups import FakeGroups, group_of

from hookserve.system.cgroup import ControlGroups

SLICE = {
    "cpu__max": "50000 100000",
    "memory__max": 256 << 20,
    "memory__high": 192 << 20,
    "pids__max": 20,
}
NONE = {"cpu__max": "max 100000", "memory__max": "max", "memory__high": "max", "pids__max": "max"}


@pytest.fixture
def groups(tmp_path):
    return FakeGroups(tmp_path)


def limits(seen):
    found = (seen.processors(), seen.memory(), seen.slow_memory(), seen.processes())
    return tuple(each and each.value for each in found)


def test_the_limits_of_the_group_are_read(tmp_path):
    seen = group_of(tmp_path, **SLICE)

    assert limits(seen) == (0.5, 256 << 20, 192 << 20, 20)
    assert seen.memory().file == f"{tmp_path}/mounted/shop/memory.max"


def test_a_group_without_limits_has_none(tmp_path):
    assert limits(group_of(tmp_path, **NONE)) == (None, None, None, None)


def test_a_limit_holds_for_all_groups_below(groups, tmp_path):
    groups.mount()
    groups.join("/shop.slice/web.slice/shop.service")
    groups.write("/shop.slice", **SLICE)
    groups.write("/shop.slice/web.slice/shop.service", **NONE)

    seen = groups.seen()

    assert limits(seen) == (0.5, 256 << 20, 192 << 20, 20)
    assert seen.processors().file == f"{tmp_path}/mounted/shop.slice/cpu.max"


@pytest.mark.parametrize(("own", "above"), [(1 << 20, 2 << 20), (2 << 20, 1 << 20)])
def test_the_least_limit_holds(groups, own, above):
    groups.mount()
    groups.join("/shop.slice/shop.service")
    groups.write("/shop.slice", memory__max=above)
    groups.write("/shop.slice/shop.service", memory__max=own)

    assert groups.seen().memory().value == 1 << 20


def test_the_root_of_a_mount_in_a_container_has_a_limit(groups):
    groups.mount()
    groups.join("/")
    groups.write("/", cpu__max="150000 100000")

    assert groups.seen().processors().value == 1.5


@pytest.mark.parametrize("path", ["/docker/4f2a", "/docker/4f2a/worker"])
def test_a_mount_that_begins_at_a_group_has_what_is_below_it(groups, path):
    groups.mount(root="/docker/4f2a")
    groups.join(path)
    groups.write("/", pids__max=100)
    groups.write("/worker", pids__max=200)

    assert groups.seen().processes().value == 100


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("/docker/4f2a", "/docker/4f2abc"),
        ("/docker/4f2a", "/elsewhere"),
        ("/", "/../other"),
        ("/", "/.."),
    ],
)
def test_of_a_group_that_is_not_mounted_the_root_of_the_mount_is_seen(groups, root, path):
    groups.mount("inner", root=root)
    groups.join(path)
    groups.write("inner", pids__max=100)
    for other in ("inner/other", "inner/bc", "other", ""):
        groups.write(other, pids__max=5)

    assert groups.seen().processes().value == 100


def test_version_1_has_groups_for_each_controller(groups):
    paths = {"cpu,cpuacct": "/shop/web", "memory": "/shop", "pids": "/shop", "name=systemd": "/"}
    for controller, path in paths.items():
        groups.mount(controller, "cgroup")
        groups.join(path, controller, 4)
    groups.write("cpu,cpuacct/shop", cpu__cfs_quota_us=50000, cpu__cfs_period_us=100000)
    groups.write("cpu,cpuacct/shop/web", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100000)
    groups.write("memory", memory__limit_in_bytes=9223372036854771712)
    groups.write("memory/shop", memory__limit_in_bytes=256 << 20)
    groups.write("pids", pids__max=30)

    assert limits(groups.seen()) == (0.5, 256 << 20, None, 30)


def test_both_versions_may_be_there(groups):
    groups.mount("unified")
    groups.mount("memory", "cgroup")
    groups.join("/shop", "memory", 4)
    groups.join("/")
    groups.write("memory/shop", memory__limit_in_bytes=1 << 20)

    assert limits(groups.seen()) == (None, 1 << 20, None, None)


def test_the_last_mount_that_has_the_group_counts(groups):
    groups.mount("first", root="/other")
    groups.mount("second")
    groups.mount("third", root="/other")
    groups.join("/shop")
    groups.write("second/shop", pids__max=7)
    groups.write("third", pids__max=5)

    assert groups.seen().processes().value == 7


def test_without_control_groups_there_is_no_limit(tmp_path):
    seen = ControlGroups(str(tmp_path))

    assert limits(seen) == (None, None, None, None)
    assert seen.count_kills() == 0


@pytest.mark.parametrize("text", ["", "150000", "x y", "1 2 3", "100000 0", "0 100000"])
def test_a_malformed_quota_is_no_limit(tmp_path, text):
    assert group_of(tmp_path, cpu__max=text).processors() is None


def test_the_kernel_counts_what_it_kills(tmp_path):
    assert group_of(tmp_path, memory__events="low 0\noom 2\noom_kill 3").count_kills() == 3


def test_version_1_counts_them_too(groups):
    groups.mount("memory", "cgroup")
    groups.join("/shop", "memory", 4)
    groups.write("memory", memory__oom_control="oom_kill 9")
    groups.write("memory/shop", memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2")

    assert groups.seen().count_kills() == 2


def test_the_nearest_group_that_counts_is_asked(groups):
    groups.mount()
    groups.join("/shop.slice/shop.service")
    groups.write("/shop.slice", memory__events="oom_kill 1")

    assert groups.seen().count_kills() == 1
