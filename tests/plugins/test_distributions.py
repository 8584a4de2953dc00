"""Installed distributions are found without the library, and as the library finds them."""

import sys
import zipfile

import importlib_metadata
import pytest
from support.installed import install

from hookserve.plugins import distributions
from hookserve.plugins.distributions import (
    COMMANDS_GROUP,
    GROUP,
    SETTINGS_GROUP,
    entry_points,
    find_distribution,
)


@pytest.fixture
def path(monkeypatch, tmp_path):
    """Two folders that are all of sys.path, and no finders but the path's."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    monkeypatch.setattr(sys, "path", [str(first), str(second)])
    assert not distributions._needs_library()
    return first, second


def found():
    return sorted((name, value, owner.key) for name, value, owner in entry_points())


def found_by_library():
    return sorted(
        (each.name, each.value, distributions.normalized(each.dist.name))
        for each in importlib_metadata.entry_points(group=GROUP)
    )


def test_what_is_installed_here_is_found_as_the_library_finds_it():
    assert found() == found_by_library()
    assert ("http", "hookserve_http", "hookserve") in found()


def test_of_two_with_one_name_the_first_on_the_path_counts(path):
    install(path[0], "hookserve-one", {"one": "new_one"}, {})
    install(path[1], "hookserve.One", {"one": "old_one"}, {}, version="0.9")

    assert found() == [("one", "new_one", "hookserve-one")] == found_by_library()


def test_a_folder_of_an_older_kind_counts_too(path):
    folder = path[0] / "hookserve_two.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: hookserve-two\nVersion: 2\n")
    text = "# a comment\n[console_scripts]\nx = y:z\n\n[hookserve]\n two = two:attribute [extra]\n"
    (folder / "entry_points.txt").write_text(text)

    ((name, value, owner),) = entry_points()
    assert (name, value.partition(":")[0]) == ("two", "two")
    assert owner.fields["Version"] == ["2"]
    assert [each[0] for each in found_by_library()] == ["two"]


def test_what_has_no_entry_points_and_what_is_broken_is_skipped(path):
    install(path[0], "other", {}, {})
    (path[0] / "empty-1.0.dist-info").mkdir()
    sys.path.append(str(path[0] / "is-not-there"))

    assert found() == []


@pytest.mark.parametrize("suffix", ["zip", "egg"])
def test_what_is_in_a_zip_file_is_found_by_the_library(path, tmp_path, suffix):
    install(tmp_path / "packed", "hookserve-three", {"three": "three"}, {})
    folder = tmp_path / "packed" / "hookserve_three-1.0.dist-info"
    archive = tmp_path / f"packed.{suffix}"
    with zipfile.ZipFile(archive, "w") as file:
        for each in folder.iterdir():
            file.write(each, f"{folder.name}/{each.name}")
    sys.path.append(str(archive))

    assert [each[0] for each in found()] == ["three"]


def test_what_another_finder_knows_is_found_by_the_library(path, monkeypatch):
    install(path[0], "hookserve-four", {"four": "four"}, {})

    class Finder(importlib_metadata.DistributionFinder):
        def find_spec(self, name, path=None, target=None):
            return None

        def find_distributions(self, context=None):
            return importlib_metadata.MetadataPathFinder.find_distributions(
                importlib_metadata.DistributionFinder.Context(path=[str(path[0])])
            )

    sys.path.remove(str(path[0]))
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])

    assert [each[0] for each in found()] == ["four"]


def test_settings_and_commands_are_found_by_the_value_of_their_plugin(path):
    text = (
        "[hookserve.settings]\na = x\n# c = x\n b=y:z \n\n[hookserve]\nx = x\n"
        "[console_scripts]\nb = x\n[hookserve.commands]\nd = x\n"
    )
    install(path[0], "hookserve-one", {}, {})
    (path[0] / "hookserve_one-1.0.dist-info" / "entry_points.txt").write_text(text)

    ((_, _, owner),) = entry_points()

    assert list(owner.names(SETTINGS_GROUP, "x")) == ["a"]
    assert list(owner.names(SETTINGS_GROUP, "y:z")) == ["b"]
    assert list(owner.names(COMMANDS_GROUP, "x")) == ["d"]
    assert list(owner.names(COMMANDS_GROUP, "y:z")) == []


def test_a_distribution_is_found_by_its_name(path):
    install(path[1], "Some_Thing", {}, {}, version="3.1")

    assert find_distribution("some.thing").fields["Version"] == ["3.1"]
    assert find_distribution("something") is None
