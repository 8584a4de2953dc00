"""The table of settings refuses what is declared twice."""

import pytest

from hookserve.config.settings import Declared, OffPlugins, SettingsTable, names_of
from hookserve.config.values import boolean, integer
from hookserve.errors import ConfigError
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.types import Setting


def test_two_plugins_cannot_declare_one_setting():
    table = SettingsTable()
    table.add(Setting("threads", 1, integer, "threads"), "gthread")

    with pytest.raises(ConfigError, match=r"declared by gthread and by plugin 'other' \(b 2\)"):
        table.add(Setting("threads", 1, integer, "threads"), "other", "plugin '{}' (b 2)".format)


def test_two_settings_cannot_have_one_flag():
    with pytest.raises(ConfigError, match="the flag -w belongs to 'workers'"):
        SettingsTable().add(Setting("wings", 1, integer, "wings", ("-w",)), "bird")


def test_flag_and_variable_follow_from_the_name():
    declared = Declared(Setting("big_name", 1, integer, "big", ("--bigname", "-x")), "me")

    assert declared.flags == ("-x", "--bigname", "--big-name")
    assert declared.negative_flags == ()
    assert declared.variable == "HOOKSERVE_BIG_NAME"


def test_a_switch_has_a_flag_that_switches_it_off():
    declared = Declared(Setting("shy", False, boolean, "shy", ("-y",), switch=True), "me")

    assert declared.negative_flags == ("--no-shy",)


def test_a_hidden_setting_has_no_flags():
    assert Declared(Setting("table", {}, dict, "a table", hidden=True), "me").flags == ()


def test_the_table_knows_names_and_flags():
    table = SettingsTable()
    table.add(Setting("shy", 1, integer, "shy"), "me")

    assert "shy" in table
    assert table["shy"].owner == "me"
    assert "shy" in table.names()
    assert "--shy" in table.flags()


@pytest.mark.parametrize(
    ("flag", "names"),
    [
        ("--zebra-count", ("zebra_count",)),
        ("--no-zebra", ("no_zebra", "zebra")),
        ("--zebra_count", ("zebra_count",)),
        ("-z", ()),
        ("", ()),
    ],
)
def test_a_flag_may_be_of_settings(flag, names):
    assert names_of(flag) == names


def test_each_of_our_settings_is_found_by_its_flags():
    table = list(declare_settings(load_plugins([], {})))
    derived = [
        (each.setting.name, flag)
        for each in table
        for flag in (*each.flags[-1:], *each.negative_flags[-1:])
    ]

    assert len(derived) > 100
    assert not [flag for name, flag in derived if name not in names_of(flag)]


class Zoo(OffPlugins):
    """A plugin that is off."""

    def __init__(self):
        self.off = {"zebra": 3, "yak": 4}

    def names(self):
        return self.off.keys()

    def declare(self, name, table):
        if name == "yak":
            raise ConfigError("the yak is away")
        table.add(Setting(name, self.off.pop(name), integer, "of a test"), "zoo")

    def default(self, name):
        return self.off[name]


def test_a_setting_of_a_plugin_that_is_off_is_declared_when_it_is_taken():
    table = SettingsTable(Zoo())

    assert "zebra" in table
    assert "zebra" in table.names()
    assert (table.default("zebra"), table.default("workers")) == (3, 1)
    assert not table.is_declared("zebra")
    assert "zebra" not in [each.setting.name for each in table]
    assert table["zebra"].owner == "zoo"
    assert table.is_declared("zebra")
    assert table.default("zebra") == 3
    with pytest.raises(KeyError):
        table["nosuch"]
    with pytest.raises(KeyError):
        SettingsTable().default("nosuch")


def test_a_flag_declares_the_setting_that_it_may_be_of():
    table = SettingsTable(Zoo())

    assert not table.declare_flag("--zebras")
    assert table.declare_flag("--no-zebra")
    assert table.is_declared("zebra")
    assert not table.declare_flag("--zebra")
    with pytest.raises(ConfigError):
        table.declare_flag("--yak")


def test_all_are_declared_but_those_that_cannot_be():
    table = SettingsTable(Zoo())

    table.declare_all()

    assert table.is_declared("zebra")
    assert not table.is_declared("yak")
