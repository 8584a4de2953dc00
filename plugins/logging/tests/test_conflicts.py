"""Settings of the logs that have no effect, and logs that are lost, are named."""

import pytest
from hookserve_logging.conflicts import find_conflicts

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins

TABLE = declare_settings(load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"}))


def conflicts(**values):
    return list(find_conflicts(resolve(TABLE, [SettingsSource("here", values)])))


def test_the_defaults_have_no_conflict():
    assert conflicts() == []


@pytest.mark.parametrize(
    ("first", "second"),
    [("logconfig_dict", "logconfig_json"), ("logconfig_json", "logconfig")],
)
def test_one_configuration_of_logging_is_applied(first, second):
    values = {"logconfig_dict": {"version": 1}, "logconfig_json": "a.json", "logconfig": "a.ini"}

    lines = conflicts(**{first: values[first], second: values[second]})

    assert lines == [f"{second} (here): it has no effect beside {first}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("errorlog", "error.log"), ("error_log_format", "json"), ("capture_output", True)],
)
def test_a_configuration_that_serves_the_error_log_takes_its_place(name, value):
    config = resolve(TABLE, [SettingsSource("here", {"logconfig": "a.ini", name: value})])

    (line,) = find_conflicts(config, ["hookserve"])

    assert line == (
        f"{name} (here): it has no effect beside logconfig, whose handlers get what hookserve logs"
    )
    assert list(find_conflicts(config)) == []


def test_a_configuration_that_serves_the_access_log_takes_the_place_of_its_file():
    config = resolve(TABLE, [SettingsSource("here", {"logconfig": "a.ini", "accesslog": "-"})])

    (line,) = find_conflicts(config, [], ["hookserve.access"])

    assert line == (
        "accesslog (here): it has no effect beside logconfig, whose handlers get what"
        " hookserve.access logs"
    )
    assert list(find_conflicts(config)) == []


def test_in_the_background_a_log_on_a_standard_stream_is_lost():
    error, access = conflicts(daemon=True, accesslog="-")

    assert error.startswith("errorlog (default): standard error goes to /dev/null with daemon")
    assert access.startswith("accesslog (here): standard output goes to /dev/null with daemon")


@pytest.mark.parametrize(
    "values",
    [
        {"errorlog": "error.log"},
        {"enable_stdio_inheritance": True},
        {"syslog": True},
    ],
)
def test_in_the_background_a_log_that_goes_elsewhere_is_not_lost(values):
    assert conflicts(daemon=True, **values) == []


def test_in_the_background_a_configuration_of_logging_keeps_the_log_that_it_serves():
    values = {"logconfig": "a.ini", "daemon": True, "accesslog": "-"}
    config = resolve(TABLE, [SettingsSource("here", values)])

    assert [line.split()[0] for line in find_conflicts(config)] == ["errorlog", "accesslog"]
    lines = list(find_conflicts(config, ["hookserve"], ["hookserve.access"]))
    assert all("no effect beside logconfig" in line for line in lines)
