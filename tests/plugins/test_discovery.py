"""Installed plugins are found without importing them."""

import importlib
import sys
from pathlib import Path

import pytest
from support.installed import install

from hookserve.plugins import discovery
from hookserve.plugins.discovery import (
    Candidate,
    discover,
    misnamed,
    published,
    published_settings,
)
from hookserve.plugins.distributions import Distribution

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder at the end of the path, for distributions."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    discovery._installed_version.cache_clear()
    yield tmp_path
    discovery._installed_version.cache_clear()


def found(name):
    (candidate,) = [each for each in discover() if each.name == name]
    return candidate


def test_candidates_are_sorted_and_not_imported(folder):
    install(folder, "zoo", {"zebra": "zoo_plugin", "ape": "zoo_plugin"}, {"zoo_plugin.py": "1 / 0"})

    names = [each.name for each in discover()]

    assert names == sorted(names)
    assert {"zebra", "ape", "http"} <= set(names)
    assert "zoo_plugin" not in sys.modules


def test_a_candidate_knows_its_distribution(folder):
    install(folder, "zoo", {"zebra": "zoo_plugin"}, {}, version="2.5")

    zebra = found("zebra")

    assert (zebra.distribution, zebra.version, zebra.is_bundled) == ("zoo", "2.5", False)
    assert found("http").is_bundled


@pytest.mark.parametrize(
    ("name", "expected"),
    [("zebra", True), ("zoo_plugin", True), ("hookserve_zoo", True), ("zoo", False)],
)
def test_a_candidate_is_called_by_entry_point_module_or_distribution(folder, name, expected):
    install(folder, "hookserve-zoo", {"zebra": "zoo_plugin"}, {})

    assert found("zebra").is_called(name) == expected


def test_a_bundled_plugin_is_not_called_by_the_distribution():
    assert not found("http").is_called("hookserve")


@pytest.mark.parametrize(
    ("requirement", "missing"),
    [
        ("nosuchlibrary", ["nosuchlibrary"]),
        ("nosuchlibrary >= 2", ["nosuchlibrary>=2"]),
        ("pluggy>=0.1", []),
        ("pluggy>=9999", ["pluggy>=9999"]),
        ("nosuchlibrary; extra == 'test'", []),
        ("hookserve>=9999", []),
        ("!", []),
    ],
)
def test_missing_requirements_are_named(folder, requirement, missing):
    install(folder, "zoo", {"zebra": "zoo_plugin"}, {}, requires=[requirement])

    assert found("zebra").missing_requirements() == missing


def test_what_is_published_apart_is_in_our_own_metadata(monkeypatch):
    own = Distribution(
        "hookserve",
        lambda name: (
            "Name: hookserve\nRequires-Dist: pluggy>=1\n"
            "Requires-Dist: hookserve-gevent; extra == 'gevent'\n"
            "Requires-Dist: setproctitle; extra == 'title'\n"
        ),
    )
    monkeypatch.setattr(discovery, "find_distribution", lambda name: own)

    assert published() == {"gevent": "hookserve-gevent"}


def test_without_our_metadata_nothing_is_published(monkeypatch):
    monkeypatch.setattr(discovery, "find_distribution", lambda name: None)

    assert published() == {}
    assert published_settings() == {}


def test_our_own_metadata_has_the_settings_of_all_plugins_that_are_published_apart():
    apart = [
        each for each in discover() if each.distribution.startswith("hookserve-") and in_tree(each)
    ]
    found = {
        setting.name: each.distribution
        for each in apart
        for setting in getattr(importlib.import_module(each.module), "SETTINGS", ())
    }

    assert len(apart) >= 2
    assert published_settings() == found


@pytest.mark.parametrize(
    "candidate", [each for each in discover() if each.is_on_demand], ids=lambda each: each.name
)
def test_a_plugin_that_is_loaded_on_demand_names_all_of_its_settings_and_commands(candidate):
    module = importlib.import_module(candidate.module)
    declared = getattr(module, "settings", tuple)()
    commands = getattr(module, "commands", tuple)()
    variables = getattr(module, "variables", tuple)()

    assert sorted(candidate.settings) == sorted(each.name for each in declared)
    assert sorted(candidate.commands) == sorted(each.name for each in commands)
    assert sorted(candidate.variables) == sorted(each.name for each in variables)


def test_those_are_the_plugins_that_do_nothing_without_a_setting_or_command():
    assert {each.name for each in discover() if each.is_on_demand and in_project(each)} == {
        "adaptive",
        "doctor",
        "health",
        "memory",
        "opentelemetry",
        "prometheus",
        "proxy",
        "scaffold",
        "statsd",
        "status",
    }


def in_project(candidate):
    return candidate.is_bundled or in_tree(candidate)


def test_a_candidate_has_the_settings_and_commands_of_its_own_entry_point(folder):
    settings = {"stripes": "zoo_plugin:a", "spots": "zoo_plugin:b"}
    entry_points = {"zebra": "zoo_plugin:a", "ape": "zoo_plugin:b", "yak": "zoo_plugin"}
    install(folder, "zoo", entry_points, {}, settings=settings, commands={"gallop": "zoo_plugin:a"})

    assert (found("zebra").settings, found("zebra").commands) == (["stripes"], ["gallop"])
    assert (found("ape").settings, list(found("ape").commands)) == (["spots"], [])
    assert [found(name).is_on_demand for name in ("zebra", "ape", "yak")] == [True, True, False]


def test_what_is_named_for_no_plugin_is_said_but_of_what_is_unwanted(folder):
    install(folder, "zoo", {"zebra": "zoo"}, {}, settings={"a": "zoo", "b": "zoo.more"})

    assert list(misnamed(discover())) == [
        "the distribution zoo names 'b' in [hookserve.settings] for zoo.more, where it has the"
        " plugins zoo"
    ]
    candidates = discover()
    assert list(misnamed(candidates, [each for each in candidates if each.name == "zebra"])) == []


def in_tree(candidate):
    return (ROOT / "plugins" / candidate.name / "pyproject.toml").exists()


def test_a_distribution_without_fields_has_question_marks():
    candidate = Candidate("x", "x_plugin:object", Distribution("x", lambda name: None))

    assert (candidate.distribution, candidate.version, candidate.module) == ("?", "?", "x_plugin")
