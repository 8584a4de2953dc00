"""The command in this process: what runs, and the exit code."""

import sys

import pytest
from support.installed import install

from hookserve import __version__
from hookserve.cli.main import main


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory; the path is restored."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.endswith("_under_test")]:
        del sys.modules[name]


@pytest.mark.parametrize("flag", ["-v", "--version"])
def test_the_version_is_printed(flag, capsys):
    assert main([flag]) == 0
    assert capsys.readouterr().out == f"hookserve {__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_settings_and_commands(flag, capsys):
    assert main([flag]) == 0
    out = capsys.readouterr().out
    assert "--workers" in out
    assert "\ncommands:\n  compat " in out
    assert "\n  new  " in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--list-workers"], "WORKER"),
        (["--list-plugins"], "PLUGIN"),
        (["--explain-hooks", "load_app"], "load_app\n  1. hookserve"),
        (["--print-config", "-w", "3"], "command line"),
    ],
)
def test_listings_exit_with_0(words, expected, capsys):
    assert main(words) == 0
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-w", "none", "app"], 1),
        (["--nonsense"], 2),
        (["--json", "app"], 2),
        (["--json", "--check-config", "app"], 2),
        ([], 2),
        (["--check-config", "failing_under_test"], 3),
        (["--check-config", "absent_under_test"], 4),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(here, words, code, capsys):
    (here / "failing_under_test.py").write_text("1 / 0")

    assert main(words) == code
    err = capsys.readouterr().err
    assert err.startswith("hookserve: ")
    assert code == 3 or err.count("\n") == 1


def test_a_configuration_is_checked(here, capsys):
    (here / "shop_under_test.py").write_text("def application(environ, start_response): ...\n")

    assert main(["--check-config", "shop_under_test"]) == 0
    assert "the configuration is valid" in capsys.readouterr().out


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


def test_an_interrupt_is_no_traceback(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("hookserve.cli.main._run", interrupted)

    assert main([]) == 130
