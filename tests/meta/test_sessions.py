"""What `console` blocks show is what the commands print, where the page's files are."""

import re
import shlex
import tomllib

import pytest
from support import installed
from support.command import hookserve
from support.pages import PAGES, blocks_of, name_of

pytestmark = pytest.mark.process

SESSIONS = {
    name_of(page): [block.text for block in blocks_of(page) if block.language == "console"]
    for page in PAGES
}
VERSION = re.compile(r"\b(hookserve[\w-]*) \d[\w.]*")


def steps(session):
    """Each command of a session and the lines that follow it."""
    for step in f"\n{session}".split("\n$ ")[1:]:
        command, *lines = step.splitlines()
        yield command, lines


def run(command, folder):
    """What a command prints.  `pip install ./NAME` is done without pip and its network."""
    program, *words = shlex.split(command)
    site = folder / "site-packages"
    if program == "pip":
        source = folder / words[-1]
        project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
        files = {path.name: path.read_text() for path in source.glob("*.py")}
        installed.install(site, project["name"], project["entry-points"]["hookserve"], files)
        return ""
    assert program == "hookserve", f"{command} is not run: show it in a bash block"
    result = hookserve(*words, cwd=folder, path=site)
    return result.stdout + result.stderr


def columns(lines):
    """The lines with one space between columns, whatever else is installed, of any version."""
    return [VERSION.sub(r"\1 VERSION", " ".join(line.split())) for line in lines]


def assert_shown(shown, printed):
    """The lines come in that order; only where `...` stands may others be between."""
    shown, printed, may_skip = columns(shown), columns(printed), False
    for line in shown:
        if line == "...":
            may_skip = True
            continue
        where = printed.index(line) if line in printed else -1
        assert where == 0 or (may_skip and where > 0), f"{line!r} is not next in {printed}"
        printed, may_skip = printed[where + 1 :], False
    assert may_skip or not printed, f"not shown: {printed}"


@pytest.mark.parametrize("page", [name for name, sessions in SESSIONS.items() if sessions])
def test_the_commands_of_a_page_print_what_it_shows(page, tmp_path):
    for block in (block for each in PAGES if name_of(each) == page for block in blocks_of(each)):
        if block.title:
            target = tmp_path / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)

    for session in SESSIONS[page]:
        for command, lines in steps(session):
            assert_shown(lines, run(command, tmp_path).splitlines())


def test_sessions_are_on_the_pages_where_a_reader_begins():
    pages = {name for name, sessions in SESSIONS.items() if sessions}

    assert pages >= {"docs/quickstart.md", "docs/guide/plugins.md", "docs/guide/workers.md"}


@pytest.mark.parametrize(
    ("shown", "is_right"),
    [
        (["a  1", "b"], True),
        (["a 1"], False),
        (["a 1", "..."], True),
        (["...", "b"], True),
        (["b", "a 1"], False),
        (["b"], False),
        (["a 1", "b", "..."], True),
        (["a 2", "b"], False),
        ([], False),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown, is_right):
    try:
        assert_shown(shown, ["a 1", "b"])
    except AssertionError:
        assert not is_right
    else:
        assert is_right
