"""One value for each setting, and where it came from."""

import pytest

from hookserve.config.resolved import Config, SettingsSource, resolve
from hookserve.config.settings import SettingsTable
from hookserve.config.values import integer
from hookserve.errors import ConfigError
from hookserve.types import Setting


def test_a_later_source_wins_and_is_named():
    sources = [
        SettingsSource("hookserve.toml", {"workers": 2, "timeout": 5}),
        SettingsSource("command line", {"workers": "3"}),
    ]

    config = resolve(SettingsTable(), sources)

    assert (config.workers, config.origin("workers")) == (3, "command line")
    assert (config.timeout, config.origin("timeout")) == (5.0, "hookserve.toml")
    assert (config.backlog, config.origin("backlog")) == (2048, "default")
    assert config.is_default("backlog")


def test_a_wrong_value_names_setting_source_and_value():
    with pytest.raises(ConfigError) as caught:
        resolve(SettingsTable(), [SettingsSource("hookserve.toml", {"workers": "many"})])

    assert str(caught.value) == (
        "workers (hookserve.toml): expected a whole number, 1 or more, or auto, got 'many'"
    )


def test_a_configuration_cannot_be_changed():
    config = Config({"workers": 1}, {"workers": "default"})

    with pytest.raises(AttributeError, match="final"):
        config.workers = 2
    with pytest.raises(AttributeError, match="nosuch"):
        _ = config.nosuch
    assert config.get("nosuch", 5) == 5


def test_two_plugins_cannot_declare_one_setting():
    table = SettingsTable()
    table.add(Setting("threads", 1, integer, "threads"), "gthread", "plugin 'gthread' (a 1)")

    with pytest.raises(ConfigError, match=r"declared by gthread and by plugin 'other' \(b 2\)"):
        table.add(Setting("threads", 1, integer, "threads"), "other", "plugin 'other' (b 2)")


def test_two_settings_cannot_have_one_flag():
    with pytest.raises(ConfigError, match="the flag -w belongs to 'workers'"):
        SettingsTable().add(Setting("wings", 1, integer, "wings", ("-w",)), "bird")
