"""One value for each setting, and where it came from."""

import pytest

from hookserve.config import core
from hookserve.config.resolved import Config, SettingsSource, convert, derive, resolve
from hookserve.config.settings import SettingsTable
from hookserve.config.values import integer, one_of
from hookserve.errors import ConfigError
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.types import Setting, SettingValue

ALL = list(declare_settings(load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"})))


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


def test_a_value_is_read_by_its_setting():
    config = resolve(SettingsTable(), [SettingsSource("test", {"workers": "3"})])

    assert config.value(core.WORKERS) == config.workers == 3
    assert config.value(core.USER) is None
    with pytest.raises(AttributeError, match="'absent' is not a setting"):
        config.value(Setting("absent", 1, integer, "of a plugin that is not loaded"))


def test_an_implied_value_counts_where_no_source_gives_one():
    table = SettingsTable()
    implied = {"yes": {"workers": 3, "timeout": 4, "absent": 5}}
    table.add(Setting("shy", "no", one_of("yes", "no"), "shy", implies=implied), "hooky")

    config = resolve(table, [SettingsSource("here", {"shy": "yes", "timeout": 9})])

    assert (config.workers, config.origin("workers")) == (3, "shy=yes")
    assert (config.timeout, config.origin("timeout")) == (9.0, "here")


@pytest.mark.parametrize("names", [("shy", "bold"), ("bold", "shy")])
def test_what_is_implied_implies_others_in_whichever_order_they_are_declared(names):
    """That depends on which plugins are loaded at once, and which when they are used."""
    implied = {"shy": {"yes": {"workers": 3}}, "bold": {"yes": {"shy": "yes"}}}
    table = SettingsTable()
    for name in names:
        setting = Setting(name, "no", one_of("yes", "no"), name, implies=implied[name])
        table.add(setting, "hooky")

    config = resolve(table, [SettingsSource("here", {"bold": "yes"})])

    assert (config.workers, config.origin("workers")) == (3, "shy=yes")


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(ConfigError, match=r"got 'x{50,}\.\.\.$"):
        resolve(SettingsTable(), [SettingsSource("here", {"workers": "x" * 100})])


def test_a_source_may_name_each_of_its_values():
    source = SettingsSource("environment", {"workers": "x"}, {"workers": "HOOKSERVE_WORKERS"})

    with pytest.raises(ConfigError, match=r"workers \(HOOKSERVE_WORKERS\): "):
        resolve(SettingsTable(), [source])


ODD = [
    *(None, True, 0, -1, 1.5, 2**70, float("nan"), float("inf"), b"x", object(), print, ...),
    *("", " ", "x", "-1", "\u00b2", "\0", "1e999", "9" * 5000, "a,b", "%s", "\ud800", "{}"),
    *([], [1], [None], [[]], ("a", "b"), {}, {"a": 1}, {1: "a"}, {"a"}, range(2)),
]


@pytest.mark.parametrize("declared", ALL, ids=lambda declared: declared.setting.name)
def test_no_value_is_more_than_one_line_of_error(declared):
    for raw in ODD:
        try:
            convert(declared, raw, "hookserve.toml")
        except ConfigError as error:
            message = str(error)
            assert message.startswith(f"{declared.setting.name} (hookserve.toml): "), raw
            assert "its kind raised" not in message, raw
            assert "\n" not in message, raw


class Zoo:
    """A plugin that is off."""

    def __init__(self):
        self.off = {"zebra": 3}

    def names(self):
        return self.off.keys()

    def declare(self, name, table):
        table.add(Setting(name, self.off.pop(name), integer, "of a test"), "zoo")
        table.add(Setting("yak", 5, integer, "of a test"), "zoo")

    def default(self, name):
        return self.off[name]


def test_a_setting_of_a_plugin_that_is_off_has_its_default():
    table = SettingsTable(Zoo())

    config = resolve(table, [SettingsSource("here", {"workers": 2})])
    config = derive(table, config, [SettingValue("timeout", 4, "there")])

    assert (config.zebra, config.get("zebra", 7), config.origin("zebra")) == (3, 3, "default")
    assert "zebra" in config
    assert list(config)[-1] == "zebra"
    assert not table.is_declared("zebra")
    assert (config.workers, config.origin("workers")) == (2, "here")
    assert (config.timeout, config.origin("timeout")) == (4.0, "there")


def test_a_source_that_gives_a_setting_declares_all_of_its_plugin():
    config = resolve(SettingsTable(Zoo()), [SettingsSource("here", {"zebra": 4})])

    assert (config.zebra, config.yak, config.get("yak")) == (4, 5, 5)
    assert config.is_default("yak")


def test_what_is_derived_declares_all_of_its_plugin():
    table = SettingsTable(Zoo())

    config = derive(table, resolve(table, []), [SettingValue("zebra", "4", "there")])

    assert (config.zebra, config.yak, config.origin("zebra")) == (4, 5, "there")


def test_what_is_implied_declares_its_plugin():
    table = SettingsTable(Zoo())
    implied = {"yes": {"zebra": 9}}
    table.add(Setting("shy", "no", one_of("yes", "no"), "shy", implies=implied), "hooky")

    config = resolve(table, [SettingsSource("here", {"shy": "yes"})])

    assert (config.zebra, config.yak, config.was_given("zebra")) == (9, 5, False)
