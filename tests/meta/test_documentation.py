"""Links in the documentation lead to files, generated pages are fresh, code is valid."""

import ast
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from importlib import util
from pathlib import Path

import pytest
from support.pages import PAGES, blocks_of, name_of, prose_of

from hookserve.config.arguments import Arguments, read
from hookserve.errors import HookserveError
from hookserve.launch.assembly import declare_settings, load_plugins

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#:\s]+?)(?:#[^)]*)?\)")
LABEL = re.compile(
    r'(bash|console|dockerfile|ini|mermaid|nginx|python|text|toml|yaml)( title="[^"]+")?'
)
"""A block of another language would be checked by no test; one with other options would be no block
on the site."""
COMMANDS_OF_PLUGINS = {"new", "greet", "ctl", "top", "doctor", "NAME"}


def blocks(*languages):
    """The fenced blocks in some languages."""
    return [
        pytest.param(block.text, id=block.name)
        for page in PAGES
        for block in blocks_of(page)
        if block.language in languages
    ]


def generator():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        spec = util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


@pytest.mark.parametrize("name", sorted(generator().PAGES))
def test_a_generated_page_is_fresh(name):
    if name == "reference/command-line.md" and sys.version_info >= (3, 13):
        pytest.skip("argparse lays its help out differently since 3.13")

    assert (ROOT / "docs" / name).read_text() == generator().PAGES[name](), "make docs"


UNDOCUMENTED = """
class Base:
    shown = 1
    '''A meaning.'''

    def __init__(self): pass

class Derived(Base):
    shown = 2
    {name} = 3
"""


def rows_of(page, source, monkeypatch):
    monkeypatch.setattr(page, "_tree", lambda _: ast.parse(source))
    page._classes.cache_clear()
    try:
        return [each for each in page._module("made", "0.1", False) if each.startswith("| `")]
    finally:
        page._classes.cache_clear()


def test_a_public_name_without_a_meaning_is_refused(monkeypatch):
    generator()
    page = sys.modules["api_page"]

    assert rows_of(page, UNDOCUMENTED.format(name="_hidden"), monkeypatch) == [
        "| `shown = 1` | A meaning. | 0.1 |",
        "| `__init__()` | The constructor. | 0.1 |",
        "| `shown = 2` | A meaning. | 0.1 |",
    ]
    with pytest.raises(ValueError, match="lost = 3 is public and has no docstring"):
        rows_of(page, UNDOCUMENTED.format(name="lost"), monkeypatch)


def test_no_cell_of_a_generated_page_of_names_is_empty():
    text = (ROOT / "docs" / "reference" / "api.md").read_text()

    assert not re.findall(r"^.*(?:\|\s*\||since [0-9.]+\. *)$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file(page):
    assert [
        each for each in LINK.findall(prose_of(page)) if not (page.parent / each).exists()
    ] == []


NAMED_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|toml|md)|hookserve/[\w/]+)`")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_exists(page):
    """As it is written, in the core, or beside the page."""
    folders = (ROOT, ROOT / "hookserve", page.parent)
    found = NAMED_FILE.findall(prose_of(page)) if page.name != "CHANGELOG.md" else []
    own = ("plugins/NAME/", "hookserve_tidy/")  # of the reader's
    named = [each for each in found if not each.startswith(own)]
    assert [each for each in named if not any((folder / each).exists() for folder in folders)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_closed_and_names_its_language(page):
    assert not [block for block in blocks_of(page) if not LABEL.fullmatch(block.label)]


@pytest.mark.parametrize("source", blocks("python"))
def test_python_on_a_page_is_valid(source):
    # A page may show a method without its class.
    ast.parse(textwrap.dedent(source))


@pytest.mark.parametrize("source", blocks("toml"))
def test_toml_on_a_page_is_valid(source):
    tomllib.loads(source)


def command_lines(page):
    """Those of hookserve, in blocks and in prose; sessions aside, which `test_sessions` runs."""
    yield from re.findall(r"`(hookserve [^`]+)`", prose_of(page))
    for block in blocks_of(page):
        if block.language in ("bash", "text"):
            lines = block.text.replace("\\\n", " ").splitlines()
            yield from (line for line in lines if line.startswith("hookserve "))


def commands():
    found = {
        tuple(shlex.split(line, comments=True)[1:]): f"{name_of(page)}: {line}"
        for page in PAGES
        for line in command_lines(page)
    }
    return [
        pytest.param(words, id=name)
        for words, name in found.items()
        if words[0] not in COMMANDS_OF_PLUGINS
    ]


@pytest.mark.parametrize("words", commands())
def test_a_command_line_on_a_page_is_one(words):
    host = load_plugins([], {})
    try:
        read(declare_settings(host), Arguments(list(words)), "command line")
    except HookserveError as error:
        raise AssertionError(str(error)) from None


@pytest.mark.process
def test_the_console_sessions_of_the_readme_name_targets_that_exist():
    targets = re.findall(r"^make ([\w-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
