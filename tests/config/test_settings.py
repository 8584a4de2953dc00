"""The table of settings refuses what is declared twice."""

import pytest

from hookserve.config.settings import Declared, SettingsTable
from hookserve.config.values import boolean, integer
from hookserve.errors import ConfigError
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
