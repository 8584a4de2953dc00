"""A plugin that names its settings is loaded when one of them is used, and not before."""

import subprocess
import sys

import pytest
from support.installed import install
from support.zebra import MODULE, SOURCE, install_zebra

from hookserve.config.arguments import ACTIONS
from hookserve.config.resolved import SettingsSource
from hookserve.errors import ConfigError, HookserveError, UsageError
from hookserve.launch.assembly import assemble, declare_settings, load_plugins
from hookserve.launch.embedded import NOTHING_EMBEDDED


def is_imported():
    return MODULE in sys.modules


def state_of(assembly, name="zebra"):
    return assembly.host.record_of(name).state


OF_ITS_VARIABLES = """
from hookserve import Variable
@hookimpl
def variables():
    return [Variable("ZOO_ZEBRAS", "zebra_count")]
"""


@pytest.mark.parametrize(("environ", "count"), [({}, 1), ({"ZOO_ZEBRAS": "4"}, 4)])
def test_a_variable_of_others_that_is_named_loads_it(folder, environ, count):
    install_zebra(folder, SOURCE + OF_ITS_VARIABLES, variables={"ZOO_ZEBRAS": MODULE})

    assembly = assemble(["app"], environ)

    assert is_imported() is bool(environ)
    assert assembly.config.zebra_count == count


@pytest.mark.usefixtures("zebra")
def test_a_plugin_that_is_off_is_not_imported():
    assembly = assemble(["app", "-w", "2"], {"HOOKSERVE_TIMEOUT": "3"})

    assert not is_imported()
    assert state_of(assembly) == "off"
    assert not assembly.table.is_declared("zebra")
    assert not any("zebra" in name for name, _ in assembly.host.manager.list_name_plugin())


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("app --zebra", "zebra", True),
        ("--zebra app", "zebra", True),
        ("app --no-zebra", "zebra", False),
        ("app --zebra-count 3", "zebra_count", 3),
        ("app --zebra-count=3", "zebra_count", 3),
        ("--zebra-count=3 --no-zebra app --zebra", "zebra", True),
        ("app --zebra-count 3 --zebra-count=4", "zebra_count", 4),
        ("--zebra-names a app --zebra-names=b", "zebra_names", ("a", "b")),
        ("-w 2 -DR app --zebra-count 7 -w3", "zebra_count", 7),
    ],
)
@pytest.mark.usefixtures("zebra")
@pytest.mark.parametrize("variable", [False, True])
def test_a_flag_loads_it(line, name, value, variable):
    words = line.split()
    given = ["app"], {"HOOKSERVE_CMD_ARGS": " ".join(each for each in words if each != "app")}
    assembly = assemble(*given) if variable else assemble(words, {})

    assert getattr(assembly.config, name) == value
    assert assembly.config.origin(name) == ("HOOKSERVE_CMD_ARGS" if variable else "command line")
    assert state_of(assembly) == "active"


@pytest.mark.usefixtures("zebra")
def test_a_variable_loads_it():
    assembly = assemble(["app"], {"HOOKSERVE_ZEBRA_COUNT": "3"})

    assert (assembly.config.zebra_count, assembly.config.zebra) == (3, False)
    assert assembly.config.origin("zebra_count") == "HOOKSERVE_ZEBRA_COUNT"


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("hookserve.toml", "zebra_count = 3", ""),
        ("pyproject.toml", "[tool.hookserve]\nzebra_count = 3", ""),
        ("hookserve.conf.py", "zebra_count = 3", ""),
        ("other.py", "zebra_count = 3", "-c other.py"),
        ("module_under_test.py", "zebra_count = 3", "-c python:module_under_test"),
        ("gunicorn.conf.py", "zebra_count = 3", ""),
    ],
)
def test_a_file_loads_it(zebra, file, text, line):
    (zebra / file).write_text(text)

    assembly = assemble([*line.split(), "app"], {})

    assert assembly.config.zebra_count == 3
    assert state_of(assembly) == "active"


@pytest.mark.usefixtures("zebra")
def test_a_program_that_embeds_the_server_loads_it():
    source = SettingsSource("hookserve.run", {"zebra_count": 3})

    assembly = assemble(["app"], {}, embedded=NOTHING_EMBEDDED._replace(source=source))

    assert assembly.config.zebra_count == 3


def test_the_higher_source_wins_though_it_is_read_before_the_plugin_is_loaded(zebra):
    (zebra / "hookserve.toml").write_text("zebra_count = 2")
    (zebra / "hookserve.conf.py").write_text("zebra_count = 3")

    assert assemble(["app"], {"HOOKSERVE_ZEBRA_COUNT": "4"}).config.zebra_count == 4
    assert assemble(["app"], {}).config.zebra_count == 3


def test_a_file_is_run_once(zebra):
    (zebra / "hookserve.conf.py").write_text(
        "import sys\nsys.runs_under_test = getattr(sys, 'runs_under_test', 0) + 1\nzebra = True"
    )
    try:
        assert assemble(["app"], {}).config.zebra
        assert sys.runs_under_test == 1
    finally:
        del sys.runs_under_test


def test_a_reload_turns_it_on_and_off(zebra):
    file = zebra / "hookserve.toml"
    found = []
    for text in ("", "zebra_count = 3", ""):
        file.write_text(text)
        found.append(state_of(assemble(["app"], {})))

    assert found == ["off", "active", "off"]


@pytest.mark.usefixtures("zebra")
def test_it_is_loaded_at_once_when_it_is_required():
    assembly = assemble(["-P", "zebra", "app"], {})

    assert state_of(assembly) == "active"
    assert assembly.config.zebra_count == 1


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (["--zebra-count", "3"], {}),
        (["--no-zebra"], {}),
        ([], {"HOOKSERVE_ZEBRA_COUNT": "3"}),
        ([], {"HOOKSERVE_CMD_ARGS": "--zebra"}),
    ],
)
@pytest.mark.usefixtures("zebra")
def test_settings_of_one_that_is_left_out_are_refused(words, environ):
    with pytest.raises(HookserveError, match="the plugin zebra is left out with -P no:zebra"):
        assemble(["-P", "no:zebra", "app", *words], environ)
    assert not is_imported()


def test_so_is_one_in_a_file(zebra):
    (zebra / "hookserve.toml").write_text("zebra_count = 3")

    with pytest.raises(ConfigError, match="the plugin zebra is left out with -P no:zebra"):
        assemble(["-P", "no:zebra", "app"], {})


@pytest.mark.usefixtures("zebra")
def test_without_autoload_it_is_loaded_only_when_it_is_required():
    environ = {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"}

    with pytest.raises(UsageError, match=r"is installed and not loaded \(-P zebra loads it\)"):
        assemble(["--zebra", "app"], environ)
    assert assemble(["--zebra", "-P", "zebra", "app"], environ).config.zebra
    assert assemble(["--health", "app"], environ).config.health, "a bundled one is loaded always"


@pytest.mark.parametrize(
    ("words", "environ", "meant"),
    [
        (["--zebra-cuont", "3"], {}, "--zebra-count"),
        (["--no-zebr"], {}, "--no-zebra"),
        (["--zebra-"], {}, "--zebra"),
        ([], {"HOOKSERVE_ZEBRA_CUONT": "3"}, "HOOKSERVE_ZEBRA_COUNT"),
    ],
)
@pytest.mark.usefixtures("zebra")
def test_what_is_misspelt_has_the_nearest_of_all_names(words, environ, meant):
    with pytest.raises(HookserveError, match=f"did you mean '{meant}'"):
        assemble(["app", *words], environ)


def test_so_has_what_is_misspelt_in_files(zebra):
    (zebra / "hookserve.conf.py").write_text("zebra_cuont = 3")
    (warning,) = assemble(["app"], {}).warnings
    (zebra / "hookserve.toml").write_text("zebra_cuont = 3")

    assert (
        warning == "hookserve.conf.py: 'zebra_cuont' is not a setting (did you mean 'zebra_count'?)"
    )
    with pytest.raises(ConfigError, match="did you mean 'zebra_count'"):
        assemble(["app"], {})
    assert not is_imported()


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("--zebra=yes", "ignored explicit argument 'yes'"),
        ("--zebra-count", "expected one argument"),
        ("--zebra-count many", "expected a whole number"),
    ],
)
@pytest.mark.usefixtures("zebra")
def test_a_wrong_value_is_explained_as_that_of_any_setting(line, cause):
    with pytest.raises(HookserveError, match=cause):
        assemble(["app", *line.split()], {})


@pytest.mark.usefixtures("zebra")
@pytest.mark.parametrize("flag", [flag for flag, _ in ACTIONS])
def test_what_shows_or_checks_the_configuration_is_about_all_plugins(flag):
    assembly = assemble(["app", flag], {})

    assert state_of(assembly) == "active"
    assert assembly.table.is_declared("zebra_count")


@pytest.mark.usefixtures("zebra")
def test_what_is_not_a_start_knows_all_settings():
    assert declare_settings(load_plugins([], {})).is_declared("zebra_count")


@pytest.mark.usefixtures("zebra")
def test_its_hooks_are_called_as_if_it_had_been_loaded_at_once():
    assembly = assemble(["app", "--zebra-count", "10"], {})

    assert "too many zebras" in assembly.warnings
    assert any(
        line.startswith("zebra_count (command line): it has no") for line in assembly.warnings
    )
    with pytest.raises(ConfigError, match="strict"):
        assemble(["app", "--zebra-count", "10", "--strict"], {})


@pytest.mark.usefixtures("zebra")
def test_the_order_of_calls_does_not_depend_on_when_a_plugin_is_loaded():
    lines = ["--status=unix:/x --zebra --health", "--health --zebra --status=unix:/x"]
    assemblies = [assemble(["app", *line.split()], {}) for line in lines]
    (order,) = {tuple(each.host.explain("settings")["settings"]) for each in assemblies}
    listed = load_plugins([], {}).explain("settings")["settings"]

    assert [each for each in listed if each in order] == list(order)


@pytest.mark.usefixtures("zebra")
def test_a_setting_of_a_plugin_that_is_off_has_its_default_for_those_who_ask():
    assembly = assemble(["app"], {})
    config = assembly.config

    assert "zebra_count" in config
    assert "zebra_count" in list(config)
    assert (config.origin("zebra_count"), config.was_given("zebra_count")) == ("default", False)
    assert not is_imported()
    assert (config.get("zebra_count", 7), config.zebra) == (1, False)
    assert state_of(assembly) == "off", "nothing is registered by that"
    assert assembly.host.explain("config_warnings").keys().isdisjoint({"zebra"})


def test_a_foreign_setting_of_the_same_name_yields_to_it(folder):
    """gunicorn's names are there for those who do not have the plugin."""
    on = assemble(["app", "--statsd-host", "localhost:1"], {})
    off = assemble(["app"], {})
    without = assemble(["app", "-P", "no:statsd", "--statsd-host", "localhost:1"], {})

    assert on.table["statsd_host"].owner == "statsd"
    assert not off.table.is_declared("statsd_host")
    assert without.table["statsd_host"].owner == "gunicorn"
    assert "install hookserve-statsd" in without.warnings[0]


def test_a_model_that_honours_a_setting_of_one_that_is_off(folder):
    source = (
        "from hookserve import Capabilities, WorkerType, hookimpl\n@hookimpl\n"
        "def worker_types():\n"
        "    can = Capabilities(settings=frozenset({'zebra_count'}))\n"
        "    return [WorkerType('ape', 'hookserve.worker.base:Worker', 'x', capabilities=can)]\n"
    )
    install(folder, "zoo2", {"ape": "ape_under_test"}, {"ape_under_test.py": source})
    install_zebra(folder)

    assert assemble(["app"], {}).warnings == ()
    warnings = assemble(["app", "-k", "sync", "--zebra-count", "3"], {}).warnings
    assert warnings[0].startswith(
        "zebra_count (command line): the worker sync does not honour it (ape"
    )


LOADING = """
import sys
def load():
    raise SystemExit(f"imported {'zebra_under_test' in sys.modules}")
"""


@pytest.mark.process
def test_a_start_of_the_command_loads_it_in_time(zebra):
    (zebra / "application.py").write_text(LOADING)
    found = {}
    for line in ("", "--zebra"):
        command = [
            sys.executable,
            "-m",
            "hookserve",
            *line.split(),
            "--preload",
            "application:load()",
        ]
        environ = {"PYTHONPATH": str(zebra)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=zebra)
        found[line] = "imported True" in done.stderr
        assert "imported " in done.stderr

    assert found == {"": False, "--zebra": True}
