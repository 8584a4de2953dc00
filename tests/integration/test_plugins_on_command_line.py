"""Plugins on the command line: listed, blocked, refused, explained, with commands of their own."""

import json

import pytest
from support import installed
from support.command import hookserve, last_line


def test_plugins_are_listed_with_their_hooks_and_state(tmp_path):
    installed.install(tmp_path, "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": ""})

    rows = {
        row["name"]: row
        for row in json.loads(
            hookserve("--list-plugins", "--json", "-P", "no:x", path=tmp_path).stdout
        )
    }

    assert rows["sync"]["state"] == "active"
    assert "worker_types" in rows["sync"]["hooks"]
    assert rows["x"]["state"] == "blocked"


def test_a_blocked_plugin_is_never_imported(tmp_path):
    installed.install(
        tmp_path, "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": "raise SystemExit('imported')"}
    )

    for name in ("x", "hookserve-x", "x_plugin"):
        result = hookserve("--list-plugins", "--json", "-P", f"no:{name}", path=tmp_path)
        states = {row["name"]: row["state"] for row in json.loads(result.stdout)}
        assert states["x"] == "blocked"


def test_without_autoload_only_what_is_named_is_loaded(tmp_path):
    for name in ("a", "b"):
        installed.install(
            tmp_path, f"hookserve-{name}", {name: f"{name}_plugin"}, {f"{name}_plugin.py": ""}
        )

    result = hookserve(
        "--list-plugins", "--json", "-P", "b", path=tmp_path, HOOKSERVE_PLUGIN_AUTOLOAD="0"
    )

    states = {row["name"]: row["state"] for row in json.loads(result.stdout)}
    assert (states["a"], states["b"]) == ("not loaded", "active")


@pytest.mark.parametrize("word", ["syncc", "no:syncc"])
def test_a_plugin_name_that_matches_nothing_is_an_error(word):
    result = hookserve("-P", word, "applications:hello")

    assert result.returncode == 1
    assert "plugin 'syncc' is not installed (did you mean 'sync'?)" in last_line(result)


def test_hooks_are_explained_in_calling_order(tmp_path):
    for name, mark in (("a", ""), ("b", "(tryfirst=True)")):
        source = f"from hookserve import hookimpl\n@hookimpl{mark}\ndef when_ready(): ...\n"
        installed.install(
            tmp_path, f"hookserve-{name}", {name: f"{name}_plugin"}, {f"{name}_plugin.py": source}
        )

    result = hookserve("--explain-hooks", "when_ready", "--json", path=tmp_path)

    assert json.loads(result.stdout) == {
        "when_ready": [
            {"plugin": "b", "distribution": "hookserve-b 1.0", "order": "first"},
            {"plugin": "a", "distribution": "hookserve-a 1.0", "order": ""},
        ]
    }
    assert hookserve("--explain-hooks", "whenready").returncode == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("@hookimpl\ndef when_redy(): ...\n", "when_redy"),
        ("@hookimpl\ndef when_ready(sever): ...\n", "sever"),
    ],
)
def test_an_unknown_hook_or_argument_is_an_error_at_start(tmp_path, source, message):
    installed.install(
        tmp_path,
        "hookserve-x",
        {"x": "x_plugin"},
        {"x_plugin.py": "from hookserve import hookimpl\n" + source},
    )

    result = hookserve("applications:hello", path=tmp_path)

    assert result.returncode == 1
    assert message in last_line(result)
    assert "plugin 'x' (hookserve-x 1.0, entry point x = x_plugin)" in last_line(result)


def test_a_plugin_for_another_level_of_the_hooks_is_refused(tmp_path):
    installed.install(
        tmp_path, "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": "hookserve_api = 2"}
    )

    result = hookserve("applications:hello", path=tmp_path)

    assert result.returncode == 1
    assert "written for level 2 of the hooks, this is 1" in last_line(result)


def test_two_plugins_cannot_claim_one_worker(tmp_path):
    installed.install(
        tmp_path,
        "hookserve-other",
        {"other": "other_plugin"},
        {"other_plugin/__init__.py": installed.worker_plugin("sync", "other_plugin:W")},
    )

    result = hookserve("applications:hello", path=tmp_path)

    assert result.returncode == 1
    assert "the worker 'sync' is claimed by" in last_line(result)
    assert "hookserve-other 1.0" in last_line(result)
    assert "hookserve 0" in last_line(result)


def test_a_plugin_that_fails_is_left_out_unless_it_was_asked_for(tmp_path):
    installed.install(tmp_path, "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": "1 / 0"})

    left_out = hookserve("--check-config", "applications:hello", path=tmp_path)
    asked_for = hookserve("--check-config", "-P", "x", "applications:hello", path=tmp_path)
    strict = hookserve(
        "--check-config", "--plugin-errors", "fail", "applications:hello", path=tmp_path
    )

    assert left_out.returncode == 0
    assert asked_for.returncode == 1
    assert strict.returncode == 1
    assert "x_plugin.py:1" in last_line(asked_for)
    assert "ZeroDivisionError" in last_line(asked_for)


def test_for_a_failing_plugin_without_distribution_the_remedy_is_to_mend_it(tmp_path):
    (tmp_path / "x_plugin.py").write_text("1 / 0")

    result = hookserve("--check-config", "-P", "x_plugin", "applications:hello", path=tmp_path)

    assert result.returncode == 1
    assert "(mend or upgrade it, or take -P x_plugin away)" in last_line(result)


def test_a_command_of_a_plugin_is_run(tmp_path):
    source = (
        "from hookserve import Command, hookimpl\n"
        "@hookimpl\ndef commands(): return [Command('greet', 'x_plugin:greet', 'says hello')]\n"
        "def greet(arguments):\n    print('hello', *arguments)\n    return 7\n"
    )
    installed.install(tmp_path, "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": source})

    result = hookserve("greet", "you", path=tmp_path)

    assert (result.stdout, result.returncode) == ("hello you\n", 7)
    assert "greet" in hookserve("--help", path=tmp_path).stdout


def test_the_flags_of_a_command_are_its_own(tmp_path):
    source = (
        "from hookserve import Command, hookimpl\n"
        "@hookimpl\ndef commands(): return [Command('greet', 'x_plugin:greet', 'says hello')]\n"
        "def greet(arguments):\n    print(arguments)\n    return 0\n"
    )
    installed.install(tmp_path, "hookserve-x", {"x": "x_plugin"}, {"x_plugin.py": source})

    for flag in ("--help", "-h", "--version", "-v", "--list-workers"):
        assert hookserve("greet", flag, path=tmp_path).stdout == f"['{flag}']\n"


def test_a_plugin_that_lies_in_the_working_directory_is_not_loaded(tmp_path):
    installed.install(tmp_path, "trap", {"trap": "trap_plugin"}, {"trap_plugin.py": "1 / 0\n"})

    result = hookserve("--list-plugins", "--json", cwd=tmp_path)

    assert "trap" not in {row["name"] for row in json.loads(result.stdout)}
    assert result.stderr == ""
