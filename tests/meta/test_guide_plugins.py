"""The page about plugins shows what works."""

import sys
import tomllib
from pathlib import Path

import pytest
from support.command import hookserve
from support.installed import install
from support.pages import blocks_of

from hookserve.plugins.discovery import discover
from hookserve.plugins.validation import EARLY_HOOKS
from hookserve.testing import serve

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
APPLICATION = "def application(environ, start_response): ...\n"


def shown(title):
    """The block of the page that has that title."""
    (text,) = [each.text for each in blocks_of(GUIDE / "plugins.md") if each.title == title]
    return text


def test_the_metadata_of_the_page_are_those_of_a_plugin_that_is_loaded_on_demand(
    tmp_path, monkeypatch
):
    named = tomllib.loads(shown("greeter/pyproject.toml, of a plugin that is loaded on demand"))
    groups = named["project"]["entry-points"]
    names = {"settings": groups["hookserve.settings"], "commands": groups["hookserve.commands"]}
    install(tmp_path, "hookserve-greeter", groups["hookserve"], {}, **names)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    (found,) = [each for each in discover() if each.name == "greeter"]

    assert found.is_on_demand
    assert (found.settings, found.commands) == (["greeting_interval"], ["greet"])


def test_the_page_names_the_hooks_that_are_asked_in_each_start():
    text = (GUIDE / "plugins.md").read_text()

    around_files = {"config_files", "file_contexts", "file_plugins"}
    assert not [name for name in EARLY_HOOKS - around_files if f"`{name}`" not in text]


@pytest.mark.process
def test_the_command_of_the_page_knows_the_configuration(tmp_path):
    files = {"where.py": shown("where.py")}
    install(tmp_path / "lib", "hookserve-where", {"where": "where"}, files)
    (tmp_path / "app.py").write_text(APPLICATION)

    with serve("app", chdir=tmp_path) as server:
        address = server.url.removeprefix("http://")
        (tmp_path / "shop.conf.py").write_text(f"bind = [{address!r}, '127.0.0.1:1']\n")
        results = [
            hookserve("where", *words, cwd=tmp_path, path=tmp_path / "lib")
            for words in (["-c", "shop.conf.py"], ["-b", "127.0.0.1:1", "--strict"], ["here"])
        ]

    assert [each.returncode for each in results] == [0, 1, 2]
    assert [each.stdout for each in results] == [f"{address}\n", "nothing is served\n", ""]
    assert results[2].stderr == "hookserve: where: unexpected word 'here'\n"
