"""The core's settings are sound."""

import pytest

from hookserve.config import core
from hookserve.config.core import CORE_SETTINGS


def test_a_setting_is_called_in_the_module_what_it_is_called_everywhere():
    for setting in CORE_SETTINGS:
        assert getattr(core, setting.name.upper()) is setting


@pytest.mark.parametrize("setting", CORE_SETTINGS, ids=lambda setting: setting.name)
def test_a_default_is_a_value_of_its_kind(setting):
    assert setting.kind(setting.default) == setting.default


@pytest.mark.parametrize("setting", CORE_SETTINGS, ids=lambda setting: setting.name)
def test_a_summary_is_one_phrase(setting):
    assert setting.summary[0] not in " ."
    assert not setting.summary.endswith(".")
    assert "\n" not in setting.summary


@pytest.mark.parametrize("name", ["chdir", "pythonpath", "user", "group", "pidfile", "config"])
def test_no_path_and_no_name_has_a_nul(name):
    (setting,) = [each for each in CORE_SETTINGS if each.name == name]

    with pytest.raises(ValueError, match="expected a string without NUL"):
        setting.kind("a\0b")


def test_the_name_of_an_abstract_socket_may_begin_with_a_nul():
    (setting,) = [each for each in CORE_SETTINGS if each.name == "bind"]

    assert setting.kind(["\0a"]) == ("\0a",)
