"""What the settings accept, and which files a configuration came from."""

import sys
from types import ModuleType

import hookserve_reload
import pytest
from hookserve_reload import waiting
from hookserve_reload.places import files_of

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.errors import ConfigError
from hookserve.launch.assembly import assemble, declare_settings, load_plugins


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])


@pytest.fixture
def plugins_for():
    """The objects that a configuration brings."""
    made = []

    def plugins_for(**settings):
        source = SettingsSource("hookserve.toml", settings)
        config = resolve(declare_settings(load_plugins([], {})), [source])
        made.extend(hookserve_reload.configured_plugins(config))
        return made, hookserve_reload.config_warnings(config)

    yield plugins_for
    for each in made:
        each.retired()


@pytest.mark.parametrize(
    "settings",
    [{}, {"reload": False, "reload_engine": "poll", "reload_extra_files": ["/"]}],
    ids=["default", "off"],
)
def test_without_reload_there_is_nothing(plugins_for, settings):
    assert plugins_for(**settings) == ([], [])


def test_with_reload_there_is_a_reloader(plugins_for):
    made, warnings = plugins_for(reload=True)

    assert ([type(each).__name__ for each in made], warnings) == (["Reloader"], [])


def test_the_engine_of_gunicorn_is_accepted(plugins_for, monkeypatch):
    monkeypatch.setattr(waiting, "has_watchfiles", lambda: False)

    assert len(plugins_for(reload=True, reload_engine="inotify")[0]) == 1


def test_an_engine_that_is_not_installed_is_refused_with_a_remedy(plugins_for, monkeypatch):
    monkeypatch.setattr(waiting, "has_watchfiles", lambda: False)

    with pytest.raises(ConfigError, match=r"^reload_engine \(hookserve.toml\): .*pip install"):
        plugins_for(reload=True, reload_engine="watchfiles")


def test_an_extra_file_that_does_not_exist_is_refused(plugins_for):
    with pytest.raises(ConfigError, match=r"^reload_extra_files \(hookserve.toml\): 'x.html' does"):
        plugins_for(reload=True, reload_extra_files=["x.html"])
    with pytest.raises(ConfigError):
        plugins_for(reload=False, reload_extra_files=["x.html"])


def test_a_pattern_that_matches_nothing_is_a_warning(plugins_for, tmp_path):
    (tmp_path / "a.html").touch()

    assert plugins_for(reload=True, reload_extra_files=["*.html", "*.txt"])[1] == [
        "reload_extra_files (hookserve.toml): '*.txt' matches no file yet"
    ]


def test_the_flags_are_those_of_gunicorn(tmp_path):
    (tmp_path / "a").touch()
    words = ["--reload", "--reload-engine", "poll", "--reload-extra-file", "a"]
    config = assemble([*words, "--reload-extra-file", "*.b", "app"], {}).config

    assert (config.reload, config.reload_engine) == (True, "poll")
    assert config.reload_extra_files == ("a", "*.b")


def places(config):
    return files_of(config, **hookserve_reload.read_from)


def test_files_are_found_where_they_were_read(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "hookserve.toml").write_text("workers = 2\nlogconfig = 'log.ini'\n")
    (tmp_path / "hookserve.conf.py").write_text("chdir = 'site'\n")

    config = assemble(["app"], {}).config

    assert sorted(places(config)) == sorted(
        str(path)
        for path in (tmp_path / "hookserve.toml", tmp_path / "hookserve.conf.py", site / "log.ini")
    )


def test_a_file_that_is_not_read_any_more_is_not_watched(tmp_path):
    (tmp_path / "hookserve.conf.py").write_text("workers = 2\n")
    assemble(["app"], {})
    (tmp_path / "hookserve.conf.py").unlink()

    assert places(assemble(["app"], {}).config) == []


def test_a_configuration_without_a_file_is_accepted():
    hookserve_reload.file_plugins(ModuleType("of a package in a zip file"))

    assert places(assemble(["app"], {}).config) == []
