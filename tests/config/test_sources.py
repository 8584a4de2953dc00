"""Files that settings come from."""

import pytest

from hookserve.config.sources import toml_sources
from hookserve.errors import ConfigError


@pytest.mark.parametrize(
    "text",
    [
        "[tool.hookserve]\nworkers = 2",
        '[ tool . "hookserve" ]\nworkers = 2',
        "[tool.'hookserve']\nworkers = 2",
        "[tool]\nhookserve.workers = 2",
        "[tool]\nhookserve = { workers = 2 }",
        "tool.hookserve.workers = 2",
        "tool = {hookserve = {workers = 2}}",
        '[tool."hooks\\u0065rve"]\nworkers = 2',
        '[project]\ndependencies = [\n  "hookserve>=1",\n]\n[tool.hookserve]\nworkers = 2',
    ],
)
def test_our_table_of_a_project_is_found_however_it_is_written(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)

    (source,) = toml_sources(str(tmp_path))

    assert (source.origin, dict(source.values)) == ("pyproject.toml", {"workers": 2})


@pytest.mark.parametrize(
    "text",
    ["", '[project]\ndependencies = ["hookserve-gevent", "hookserve>=1"]', "[broken", "\xe9"],
)
def test_a_project_without_settings_of_ours_is_not_parsed(tmp_path, monkeypatch, text):
    monkeypatch.setattr("hookserve.config.sources._parse", None)
    (tmp_path / "pyproject.toml").write_bytes(text.encode("latin-1"))

    assert toml_sources(str(tmp_path)) == []


@pytest.mark.parametrize(
    "text", ["[tool.hookserve", "[tool.hookserve]\nworkers =", "hookserve = \xe9"]
)
@pytest.mark.parametrize("name", ["pyproject.toml", "hookserve.toml"])
def test_a_file_that_is_not_toml_is_named(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode("latin-1"))

    with pytest.raises(ConfigError, match=f"^{name} is not valid TOML: "):
        toml_sources(str(tmp_path))


def test_no_files_give_no_sources(tmp_path):
    assert toml_sources(str(tmp_path)) == []
