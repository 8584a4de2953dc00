"""Files that settings come from."""

import pytest

from hookserve.config.settings import SettingsTable
from hookserve.config.sources import environment_source, execute_python_file, toml_sources
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


@pytest.mark.parametrize("text", ["[tool]\nhookserve = 5", "tool = {hookserve = [1]}"])
def test_a_section_that_is_not_a_table_is_refused(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)

    with pytest.raises(ConfigError, match=r"\[tool.hookserve\] is a table of settings"):
        toml_sources(str(tmp_path))


def test_a_tool_that_is_not_a_table_is_not_ours(tmp_path):
    (tmp_path / "pyproject.toml").write_text("tool = 5\n# tool.hookserve.workers\n")

    assert toml_sources(str(tmp_path)) == []


def test_no_files_give_no_sources(tmp_path):
    assert toml_sources(str(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("hookserve.toml", r"\(leave -c out"),
        ("file:deploy/other.toml", r"\(call it hookserve.toml and leave -c out"),
    ],
)
def test_a_toml_file_is_not_run_as_python(tmp_path, monkeypatch, name, remedy):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name.removeprefix("file:")
    path.parent.mkdir(exist_ok=True)
    path.touch()
    with pytest.raises(ConfigError, match=f"^config: .*toml is not a Python file: .*{remedy}"):
        execute_python_file(name)


def test_a_toml_file_that_is_not_there_is_said_to_be_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot read .* other\.toml .*: No such file"):
        execute_python_file("other.toml")


LINKS = {
    "SERVICE_HOST": "10.0.0.1",
    "SERVICE_PORT": "80",
    "SERVICE_PORT_HTTP": "80",
    "PORT": "tcp://10.0.0.1:80",
    "PORT_80_TCP": "tcp://10.0.0.1:80",
    "PORT_80_TCP_PROTO": "tcp",
    "PORT_80_TCP_PORT": "80",
    "PORT_80_TCP_ADDR": "10.0.0.1",
    "PORT_53_UDP": "udp://10.0.0.1:53",
}


@pytest.mark.parametrize("service", ["", "WEB_", "WEB_2_", "PORT_"])
def test_what_kubernetes_sets_for_services_is_not_taken_for_settings(service):
    environ = {f"HOOKSERVE_{service}{name}": value for name, value in LINKS.items()}

    assert environment_source(SettingsTable(), environ).values == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "8000"),
        ("WEB_PORT", "8000"),
        ("RESUE_PORT", "1"),
        ("WEB_SERVICE", "x"),
        ("PORT_80", "x"),
        ("WROKERS", "2"),
    ],
)
def test_any_other_variable_with_our_prefix_must_be_a_setting(name, value):
    with pytest.raises(ConfigError, match=f"the environment variable HOOKSERVE_{name} is not a se"):
        environment_source(SettingsTable(), {f"HOOKSERVE_{name}": value})


def test_a_variable_that_is_no_setting_may_be_meant():
    with pytest.raises(ConfigError, match="did you mean 'HOOKSERVE_PLUGIN_AUTOLOAD'"):
        environment_source(SettingsTable(), {"HOOKSERVE_PLUGIN_AUTOLOD": "0"})


def test_a_variable_gives_a_setting_under_its_own_name():
    source = environment_source(SettingsTable(), {"HOOKSERVE_WORKERS": "2", "HOME": "/"})

    assert dict(source.values) == {"workers": "2"}
    assert source.origin_of("workers") == "HOOKSERVE_WORKERS"
