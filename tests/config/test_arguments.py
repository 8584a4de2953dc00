"""A command line is read as argparse would read it; argparse explains what is wrong."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookserve.config.arguments import Arguments, CommandLine, _Reading, read, separate
from hookserve.config.parser import build_parser
from hookserve.config.resolved import SettingsSource
from hookserve.config.settings import SettingsTable
from hookserve.config.values import text
from hookserve.errors import UsageError
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.types import Setting

TABLE = declare_settings(load_plugins([], {}))
FLAGS = sorted(TABLE.flags()) + [flag for each in TABLE for flag in each.negative_flags]
# Not "--": argparse loses it as a value, and its versions differ.
VALUES = ["4", "-", "", "-1", "shop.wsgi:app", "a b", "a=b", "=", "-w", "--workers"]
OTHERS = [
    "--list-workers",
    "--json",
    "-v",
    "--version",
    "--nonsense",
    "-w4",
    "-wx",
    "--no-workers",
    "--worker",
    "--explain-hooks",
    "-Dw4",
    "-DR",
    "-Dx",
    "-D-R",
    "-w=4",
    "-P=x",
    "-vD",
]
words = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from(VALUES),
    st.sampled_from(OTHERS),
    st.builds("{}={}".format, st.sampled_from(FLAGS + OTHERS), st.sampled_from(VALUES)),
)


PARSER = build_parser(TABLE)


def by_argparse(arguments):
    """The names and values that argparse finds, or `None` where it finds a mistake."""
    try:
        namespace, rest = PARSER.parse_known_args(arguments)
    except UsageError:
        return None
    return None if rest else vars(namespace)


@settings(max_examples=300, deadline=None)
@given(st.lists(words, max_size=6))
def test_a_line_is_read_as_argparse_reads_it(arguments):
    found = _Reading(TABLE, Arguments(arguments)).meaning("here")

    expected = by_argparse(arguments)
    if found is None:
        # argparse takes an unknown flag with a blank in it for an application.
        assert expected is None or any(word[0] == "-" and " " in word for word in arguments if word)
    else:
        application = {} if found.application is None else {"application": found.application}
        assert {**found.source.values, **application, **found.actions} == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "shop:app",
        "-w 4 shop:app",
        "-w4 -b:1 shop:app",
        "-DR shop:app",
        "-Dw4 shop:app",
        "shop:app --workers=4 -b :1 --bind unix:/a --bind=:2",
        "--preload shop:app --no-strict",
        "--access-logfile - shop:app",
        "-k gthread --threads 8",
        "--check-config -- shop:app",
    ],
)
def test_what_is_typed_is_read_without_argparse(line, monkeypatch):
    monkeypatch.setitem(sys.modules, "hookserve.config.parser", None)

    read(TABLE, Arguments(line.split()), "here")


@pytest.mark.parametrize("line", ["-w", "--workers", "-w --strict", "a b", "--strict=yes", "--no"])
def test_what_is_wrong_is_an_error(line):
    with pytest.raises(UsageError):
        read(TABLE, Arguments(line.split()), "here")


def test_settings_application_and_actions_are_told_apart():
    line = read(
        TABLE, Arguments(["-w4", "--check-config", "shop:app", "-b", ":1", "-b:2"]), "there"
    )

    settings = SettingsSource("there", {"workers": "4", "bind": [":1", ":2"]})
    assert line == CommandLine(settings, "shop:app", {"check_config": True})


def test_the_configuration_may_be_asked_for_as_json_in_one_word():
    line = read(TABLE, Arguments(["--print-config=json", "app"]), "here")

    assert line.actions == {"print_config": True, "json": True}
    with pytest.raises(UsageError):
        read(TABLE, Arguments(["--print-config=xml", "app"]), "here")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--hue"], "blue"),
        (["--hue", "--strict"], "blue"),
        (["--hue", "red"], "red"),
        (["--hue=red"], "red"),
    ],
)
def test_a_flag_may_have_a_value_of_its_own(words, value):
    table = SettingsTable()
    table.add(Setting("hue", "none", text, "", bare="blue"), "painter")

    assert read(table, Arguments(words), "here").source.values["hue"] == value
    assert vars(build_parser(table).parse_args(words))["hue"] == value


def test_early_values_follow_from_the_same_words():
    arguments = Arguments(["-Pa,b", "--chdir", "x", "-P", "no:c", "--plugin=d", "--chdir=y", "app"])

    assert arguments.plugins() == ["a", "b", "no:c", "d"]
    assert arguments.values_of("--chdir") == ["x", "y"]
    assert arguments.flags == {"", "-P", "--plugin", "--chdir"}


def test_a_variable_is_split_as_a_shell_does():
    assert Arguments.of_variable({"HOOKSERVE_CMD_ARGS": "-e 'A=b c' x"}).raw == ("-e", "A=b c", "x")
    assert Arguments.of_variable({}).words == ()
    with pytest.raises(UsageError, match="HOOKSERVE_CMD_ARGS cannot be split: No closing quot"):
        Arguments.of_variable({"HOOKSERVE_CMD_ARGS": "'"})


def test_what_cannot_be_read_is_an_error():
    with pytest.raises(UsageError, match="did you mean '--workers'"):
        read(TABLE, Arguments(["--workerz", "4"]), "command line")
    with pytest.raises(UsageError, match="one application is served at a time"):
        read(TABLE, Arguments(["one", "two"]), "command line")


@pytest.mark.process
def test_a_plain_line_needs_no_argparse(tmp_path):
    (tmp_path / "shop.py").write_text("application = print\n")
    code = (
        "import sys; from hookserve.launch.assembly import assemble;"
        "assemble(['-w', '2', 'shop'], {});"
        "sys.exit('argparse' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize(
    ("line", "own", "others"),
    [
        ("a -w 3 b", "-w 3", "a b"),
        ("-w3 --workers=4 --json -v", "-w3 --workers=4", "--json -v"),
        ("--reload a --no-reload b", "--reload --no-reload", "a b"),
        ("--loud 3 -w", "-w", "--loud 3"),
        ("-w --loud", "-w", "--loud"),
        ("-w -- 3", "-w", "3"),
        ("-- -w 3 --", "", "-w 3 --"),
        ("-b -1 -1", "-b -1", "-1"),
        ("", "", ""),
    ],
)
def test_the_flags_of_settings_are_told_from_the_words_of_a_command(line, own, others):
    assert separate(TABLE, line.split()) == (own.split(), others.split())


@given(st.lists(words, max_size=6))
def test_no_word_is_lost_between_settings_and_command(line):
    own, others = separate(TABLE, line)

    assert sorted([*own, *others]) == sorted(line)
