"""The core's settings are sound."""

import pytest

from hookserve.config.core import CORE_SETTINGS, account, optional_octal, worker_count


@pytest.mark.parametrize("setting", CORE_SETTINGS, ids=lambda setting: setting.name)
def test_a_default_is_a_value_of_its_kind(setting):
    assert setting.kind(setting.default) == setting.default


@pytest.mark.parametrize("setting", CORE_SETTINGS, ids=lambda setting: setting.name)
def test_a_summary_is_one_phrase(setting):
    assert setting.summary[0] not in " ."
    assert not setting.summary.endswith(".")
    assert "\n" not in setting.summary


@pytest.mark.parametrize(("raw", "value"), [("auto", "auto"), ("3", 3), (4, 4)])
def test_a_number_of_workers_may_be_automatic(raw, value):
    assert worker_count(raw) == value


@pytest.mark.parametrize("raw", ["0", 0, "many", None, 1.5])
def test_a_wrong_number_of_workers_is_refused(raw):
    with pytest.raises(ValueError, match="or auto"):
        worker_count(raw)


def test_a_mode_or_an_account_may_be_absent():
    assert (optional_octal(None), optional_octal("022")) == (None, 0o22)
    assert (account(None), account(""), account(1000), account("www")) == (
        None,
        None,
        "1000",
        "www",
    )


@pytest.mark.parametrize("raw", [-1, "-1", 2**32 - 1, "4294967295", "4294967296", "99999999999"])
def test_a_number_that_no_account_has_is_refused(raw):
    with pytest.raises(ValueError, match="a number from 0 to 4294967294"):
        account(raw)


@pytest.mark.parametrize("raw", ["0", 0, "4294967294", "www-data", "\u00b2", "a1"])
def test_other_numbers_and_names_are_left_to_the_system(raw):
    assert account(raw) == str(raw)


@pytest.mark.parametrize("name", ["chdir", "pythonpath", "user", "group", "pidfile", "config"])
def test_no_path_and_no_name_has_a_nul(name):
    (setting,) = [each for each in CORE_SETTINGS if each.name == name]

    with pytest.raises(ValueError, match="expected a string without NUL"):
        setting.kind("a\0b")


def test_the_name_of_an_abstract_socket_may_begin_with_a_nul():
    (setting,) = [each for each in CORE_SETTINGS if each.name == "bind"]

    assert setting.kind(["\0a"]) == ("\0a",)
