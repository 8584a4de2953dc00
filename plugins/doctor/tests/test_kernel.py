"""What the kernel is set to."""

import pytest
from hookserve_doctor.kernel import check_kernel

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins


@pytest.fixture
def check(tmp_path):
    """What is found where files of the kernel's say these."""

    def check(**files):
        names = {
            "somaxconn": "proc/sys/net/core/somaxconn",
            "abort": "proc/sys/net/ipv4/tcp_abort_on_overflow",
            "clock": "sys/devices/system/clocksource/clocksource0/current_clocksource",
        }
        for name, text in files.items():
            path = tmp_path / names[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        table = declare_settings(load_plugins([], {}))
        config = resolve(table, [SettingsSource("test", {"backlog": 2048})])
        return {each.subject: each.level for each in check_kernel(config, str(tmp_path))}

    return check


@pytest.mark.parametrize(("limit", "level"), [(128, "warning"), (2048, "ok"), (4096, "ok")])
def test_the_kernel_cuts_a_backlog_off(check, limit, level):
    assert check(somaxconn=limit) == {"accept queue": level}


def test_clients_that_are_reset_are_a_warning(check):
    assert check(abort=1) == {"full accept queue": "warning"}
    assert check(abort=0) == {}


@pytest.mark.parametrize(("source", "level"), [("hpet", "warning"), ("tsc", "ok")])
def test_a_slow_clock_is_a_warning(check, source, level):
    assert check(clock=source) == {"clock": level}
