"""A plain command line is read as argparse reads it; what is not plain is left to argparse."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookserve.config.arguments import CommandLine, _read_plain, read
from hookserve.config.parser import parse
from hookserve.config.resolved import SettingsSource
from hookserve.errors import UsageError
from hookserve.launch.assembly import declare_settings, load_plugins

TABLE = declare_settings(load_plugins([], {}))
FLAGS = sorted(TABLE.flags()) + [flag for each in TABLE for flag in each.negative_flags]
VALUES = ["4", "-", "", "-1", "--", "shop.wsgi:app", "a b", "a=b", "=", "-w", "--workers"]
OTHERS = ["--list-workers", "--json", "-v", "--version", "--nonsense", "-w4", "-wx", "--no-workers",
          "--worker", "--explain-hooks"]  # fmt: skip
words = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from(VALUES),
    st.sampled_from(OTHERS),
    st.builds("{}={}".format, st.sampled_from(FLAGS + OTHERS), st.sampled_from(VALUES)),
)


def plain(arguments):
    return _read_plain(TABLE, arguments, "here")


@given(st.lists(words, max_size=6))
def test_what_is_read_as_plain_is_read_as_argparse_reads_it(arguments):
    found = plain(arguments)

    if found is not None:
        said = parse(TABLE, arguments)
        assert said == {
            **found.source.values,
            **({} if found.application is None else {"application": found.application}),
        }
        assert not found.actions


@pytest.mark.parametrize(
    "line",
    [
        "", "shop:app", "-w 4 shop:app", "shop:app --workers=4 -b :1 --bind unix:/a --bind=:2",
        "--preload shop:app --no-strict", "--access-logfile - shop:app", "-k gthread --threads 8",
    ],
)  # fmt: skip
def test_what_people_type_is_plain(line):
    assert plain(line.split()) is not None


@pytest.mark.parametrize(
    "line", ["-w", "-w4", "--workers", "-w --strict", "a b", "--strict=yes", "--nonsense", "-v"]
)
def test_what_is_wrong_or_special_is_left_to_argparse(line):
    assert plain(line.split()) is None


def test_a_line_that_is_not_plain_says_the_same():
    line = read(TABLE, ["-w4", "--check-config", "shop:app", "-b", ":1", "-b:2"], "there")

    settings = SettingsSource("there", {"workers": "4", "bind": [":1", ":2"]})
    assert line == CommandLine(settings, "shop:app", {"check_config": True})


def test_what_cannot_be_read_is_an_error():
    with pytest.raises(UsageError, match="did you mean '--workers'"):
        read(TABLE, ["--workerz", "4"], "command line")
    with pytest.raises(UsageError, match="one application is served at a time"):
        read(TABLE, ["one", "two"], "command line")


def test_a_plain_line_needs_no_argparse(tmp_path):
    (tmp_path / "shop.py").write_text("application = print\n")
    code = (
        "import sys; from hookserve.launch.assembly import assemble;"
        "assemble(['-w', '2', 'shop'], {});"
        "sys.exit('argparse' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
