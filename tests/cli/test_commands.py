"""The commands of plugins: what they are given, and what is said of those that cannot run."""

import sys

import pytest
from support.installed import install

from hookserve.cli.main import main

COMMAND = """
from hookserve import Command, hookimpl
@hookimpl
def commands(): return [Command("greet", "greeting_under_test:run", "say hello")]
def run(arguments):
    print("hello", *arguments)
    return 7
"""


def test_a_plugins_command_gets_the_other_words(here, capsys):
    install(here, "greeting", {"greeting": "greeting_under_test"}, {})
    (here / "greeting_under_test.py").write_text(COMMAND)

    assert main(["greet", "--help", "-v"]) == 7
    assert capsys.readouterr().out == "hello --help -v\n"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "greeting_under_test:nothing",
            "'greet' cannot be imported: the module greeting_under_tes",
        ),
        ("nosuch_under_test:run", "'greet' cannot be imported: ModuleNotFoundError: No module nam"),
        ("greeting_under_test:silent", "the command 'greet' returned None, not an exit code"),
    ],
)
def test_a_command_that_cannot_run_is_named(here, capsys, target, message):
    install(here, "greeting", {"greeting": "greeting_under_test"}, {})
    source = COMMAND.replace("greeting_under_test:run", target)
    (here / "greeting_under_test.py").write_text(f"{source}\ndef silent(arguments): ...\n")

    assert main(["greet"]) == 1
    assert message in capsys.readouterr().err


CONFIGURED = """
from hookserve import Command, Setting, hookimpl
from hookserve.config.values import integer
@hookimpl
def settings(): return [Setting("volume", 5, integer, "how loud")]
@hookimpl
def commands(): return [Command("greet", "greeting_under_test:run", "say hello")]
def run(arguments, config):
    print(arguments, config.workers, config.volume, config.origin("volume"), config.bind)
    return 0
"""


@pytest.fixture
def greeting(here):
    """A command that asks for the configuration is installed."""
    install(here, "greeting", {"greeting": "greeting_under_test"}, {})
    (here / "greeting_under_test.py").write_text(CONFIGURED)
    return here


def test_a_command_may_ask_for_the_configuration_of_a_start(greeting, monkeypatch, capsys):
    (greeting / "hookserve.toml").write_text("workers = 3\nvolume = 6\n")
    (greeting / "other.py").write_text("bind = '127.0.0.1:1'\nvolume = 7\n")
    monkeypatch.setenv("HOOKSERVE_WORKERS", "4")

    assert main(["greet"]) == 0
    assert capsys.readouterr().out == "[] 4 6 hookserve.toml ('127.0.0.1:8000',)\n"
    assert main(["greet", "you", "-c", "other.py", "--loud", "-w", "5", "all"]) == 0
    assert capsys.readouterr().out == ("['you', '--loud', 'all'] 5 7 other.py ('127.0.0.1:1',)\n")


def test_words_after_two_dashes_are_the_commands_own(greeting, capsys):
    assert main(["greet", "-w3", "--help", "--", "-w", "5", "--"]) == 0
    assert capsys.readouterr().out.startswith("['--help', '-w', '5', '--'] 3 5 default")


def test_the_plugins_that_a_file_names_have_flags_there_too(greeting, capsys):
    (greeting / "loud_under_test.py").write_text(
        CONFIGURED.replace("volume", "more").replace("@hookimpl\ndef c", "def c")
    )
    (greeting / "hookserve.toml").write_text("plugins = ['loud_under_test']\n")

    assert main(["greet", "--more", "9", "rest"]) == 0
    assert capsys.readouterr().out.startswith("['rest'] 1 5 default")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["-w", "none"], 1, "workers (command line): expected a whole number, 1 or more, or auto"),
        (["-w"], 2, "expected one argument"),
        (["-c", "absent.py"], 1, "absent.py"),
        (["--strict", "--no-sendfile", "--access-log-format", "x"], 1, "(refused by --strict)"),
    ],
)
def test_what_is_wrong_with_the_configuration_is_said_as_at_a_start(
    greeting, capsys, words, code, message
):
    assert main(["greet", *words]) == code
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.count("\n") == 1
    assert found.err.startswith("hookserve: ")
    assert message in found.err


def test_warnings_of_the_configuration_are_printed(greeting, capsys):
    (greeting / "hookserve.conf.py").write_text("wrokers = 3\n")

    assert main(["greet"]) == 0
    found = capsys.readouterr()
    assert found.err == (
        "hookserve: warning: hookserve.conf.py: 'wrokers' is not a setting (did you mean"
        " 'workers'?)\n"
    )
    assert found.out.startswith("[] 1 5")


def install_on_demand(here, source=COMMAND, commands=("greet",)):
    module = "greeting_under_test"
    names = dict.fromkeys(commands, module)
    install(here, "greeting", {"greeting": module}, {}, settings={}, commands=names)
    (here / f"{module}.py").write_text(source)


def test_a_command_of_a_plugin_that_is_off_loads_it(here, capsys):
    install_on_demand(here)

    assert main(["greet", "you"]) == 7
    assert capsys.readouterr().out == "hello you\n"


def test_an_application_that_is_named_like_a_command_loads_no_plugin_that_is_off(
    here, capsys, monkeypatch
):
    install_on_demand(here)
    monkeypatch.setenv("HOOKSERVE_BIND", "127.0.0.1:0")

    assert main(["grete"]) == 4
    assert "greeting_under_test" not in sys.modules
    assert main(["grete", "you"]) == 2
    assert "'grete' is not a command (did you mean 'greet'?)" in capsys.readouterr().err
    assert "greeting_under_test" not in sys.modules


def test_all_commands_are_in_the_help(here, capsys):
    install_on_demand(here)

    assert main(["--help"]) == 0
    assert "greet                 say hello" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "commands", "message"),
    [
        ("1 / 0", ["greet"], "the command 'greet': plugin 'greeting' (greeting 1.0"),
        ("", ["greet"], "no plugin has the command 'greet', which [hookserve.commands] of a dis"),
        (COMMAND, ["greet", "part"], "no plugin has the command 'part', which"),
        (COMMAND, ["part"], "has the command 'greet', which [hookserve.commands] of its distribu"),
    ],
)
def test_a_command_that_the_distribution_names_wrongly_is_an_error(
    here, capsys, source, commands, message
):
    install_on_demand(here, source, commands)

    assert main([commands[-1]]) == 1
    assert message in capsys.readouterr().err


def test_a_command_with_a_configuration_knows_the_settings_of_all_plugins(here, capsys):
    module = "greeting_under_test"
    names = {"settings": {"volume": module}, "commands": {"greet": module}}
    install(here, "greeting", {"greeting": module}, {f"{module}.py": CONFIGURED}, **names)

    assert main(["greet", "--volume", "6", "--health"]) == 0
    assert capsys.readouterr().out.startswith("[] 1 6 command line")
