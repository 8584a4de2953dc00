"""What plugins read that is written for another server."""

import pytest

from hookserve import hookimpl
from hookserve.config.resolved import SettingsSource, resolve
from hookserve.errors import ConfigError, UsageError
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.launch.foreign import derived, translate, variable_sources
from hookserve.types import SettingValue, Variable


class Foreign:
    """A plugin that knows another server."""

    @hookimpl
    def translations(self, values, origin):
        if values.get("worker_class") == "prefork":
            return [SettingValue("worker_class", "sync", f"{origin} (prefork)")]
        return []

    @hookimpl
    def variables(self):
        return [
            Variable("OTHER_WORKERS", "workers"),
            Variable("OTHER_ARGS", None),
            Variable("OTHER_COLOUR", "no_such_setting"),
        ]

    @hookimpl
    def derived_settings(self, config):
        if config.workers == 7:
            return [SettingValue("timeout", "90", "workers 7"), SettingValue("backlog", None, "")]
        return []


@pytest.fixture(scope="module")
def host():
    made = load_plugins(["-P", "no:gunicorn"], {})
    made.register(Foreign(), "foreign")
    return made


@pytest.fixture(scope="module")
def table(host):
    return declare_settings(host)


def test_values_of_another_server_are_replaced_and_all_others_stay(host):
    source = SettingsSource("a.toml", {"worker_class": "prefork", "workers": 2})

    found = translate(host, source)

    assert found.values == {"worker_class": "sync", "workers": 2}
    assert found.origin_of("worker_class") == "a.toml (prefork)"
    assert found.origin_of("workers") == "a.toml"
    assert source.values["worker_class"] == "prefork"


def test_a_source_without_values_is_translated_by_no_plugin(host):
    source = SettingsSource("a.toml", {})

    assert translate(host, source) is source


def sources(host, table, environ):
    return variable_sources(host, table, environ, lambda _: None)


def test_a_variable_gives_a_setting_its_default(host, table):
    environ = {"OTHER_WORKERS": "3", "OTHER_COLOUR": "red", "UNRELATED": "1"}

    assert sources(host, table, environ) == (
        [SettingsSource("OTHER_WORKERS", {"workers": "3"})],
        [],
    )
    assert sources(host, table, {}) == ([], [])


def test_a_variable_may_have_arguments(host, table):
    defaults, (source,) = sources(host, table, {"OTHER_ARGS": "--workers 4 --timeout '5'"})

    assert defaults == []
    assert source.origin == "OTHER_ARGS"
    assert source.values == {"workers": "4", "timeout": "5"}


@pytest.mark.parametrize("words", ["--wrokers 4", "--workers"])
def test_arguments_that_cannot_be_read_are_refused(host, table, words):
    with pytest.raises(UsageError, match=words.partition(" ")[0]):
        sources(host, table, {"OTHER_ARGS": words})


def configured(table, **settings):
    return resolve(table, [SettingsSource("test", settings)])


def test_a_setting_may_follow_from_others(host, table):
    config = derived(host, table, configured(table, workers=7, backlog=5))

    assert (config.timeout, config.origin("timeout")) == (90.0, "workers 7")
    assert config.backlog == table["backlog"].setting.default
    assert config.origin("backlog") == "default"
    assert config.workers == 7


def test_where_nothing_follows_the_configuration_is_the_same(host, table):
    config = configured(table, workers=6)

    assert derived(host, table, config) is config


def test_a_value_that_does_not_fit_is_refused_with_where_it_came_from(host, table):
    class Wrong:
        @hookimpl
        def derived_settings(self):
            return [SettingValue("timeout", "soon", "a guess")]

    made = load_plugins(["-P", "no:gunicorn"], {})
    made.register(Wrong(), "wrong")

    with pytest.raises(ConfigError, match=r"timeout \(a guess\): expected seconds"):
        derived(made, table, configured(table))
