"""The command in this process: what runs, and the exit code."""

import socket

import pytest

from hookserve import __version__
from hookserve.cli.main import main


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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-b", "300.1.1.1:80"], "cannot listen on 300.1.1.1:80: there is no host of that name"),
        (["-b", "\u00e4..b"], "cannot listen on \u00e4..b:8000: there is no host of that name"),
        (["-b", "unix:socket?user=nosuch"], "there is no user 'nosuch'"),
        (["-b", "unix:socket?group=nosuch"], "there is no group 'nosuch'"),
        (["--prometheus", "300.1.1.1"], "prometheus: cannot listen on 300.1.1.1:8000: there is"),
        (["--health-bind", "300.1.1.1"], "health_bind: cannot listen on 300.1.1.1:8000: there is"),
    ],
)
def test_a_check_looks_up_the_names_in_addresses(here, capsys, words, message):
    (here / "shop_under_test.py").write_text("def application(environ, start_response): ...\n")

    assert main(["--check-config", *words, "shop_under_test"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"hookserve: {message}")
    assert err.count("\n") == 1


def test_a_check_opens_no_address(here, capsys):
    (here / "shop_under_test.py").write_text("def application(environ, start_response): ...\n")
    taken = socket.create_server(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{taken.getsockname()[1]}", "127.0.0.1:1", "unix:nosuch/socket"]
    flags = [word for each in addresses for word in ("-b", each)]

    with taken:
        assert main(["--check-config", *flags, "shop_under_test"]) == 0


def test_a_setting_without_effect_on_the_model_of_the_application_is_named(here, capsys):
    (here / "sold_under_test.py").write_text("def application(environ, start_response): ...\n")
    words = ["--check-config", "--loop", "uvloop", "sold_under_test"]

    assert main(words) == 0
    assert "the worker sync does not honour it (asyncio would)" in capsys.readouterr().err
    assert main(["--strict", *words]) == 1
    assert "the worker sync does not honour it" in capsys.readouterr().err


def test_a_protocol_that_does_not_serve_the_interface_of_the_application_is_refused(here, capsys):
    (here / "async_under_test.py").write_text("async def application(scope, receive, send): ...\n")
    words = ["--protocol", "resp", "--check-config", "async_under_test:application"]

    for chosen in ([], ["-k", "asyncio"]):
        assert main([*chosen, *words]) == 3
        err = capsys.readouterr().err
        assert "the protocol resp does not serve applications of the interface asgi" in err


def test_an_interrupt_is_no_traceback(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("hookserve.cli.main._run", interrupted)

    assert main([]) == 130
