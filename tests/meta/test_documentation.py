"""Links in the documentation lead to files, generated pages are fresh, code is valid."""

import ast
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib import util
from pathlib import Path

import pytest

from hookserve.config.arguments import Arguments, read
from hookserve.errors import HookserveError
from hookserve.launch.assembly import declare_settings, load_plugins

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("plugins/*/README.md"),
        *ROOT.glob("examples/*/README.md"),
    }
)
FENCE = re.compile(r"^ *```([\w-]*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:\s]+?)(?:#[^)]*)?\)")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def blocks(*languages):
    """The fenced blocks in some languages: page and text."""
    return [
        pytest.param(
            match[2], id=f"{name_of(page)}:{page.read_text()[: match.start()].count(chr(10)) + 1}"
        )
        for page in PAGES
        for match in FENCE.finditer(page.read_text())
        if match[1] in languages
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


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file(page):
    text = FENCE.sub("", page.read_text())

    assert [each for each in LINK.findall(text) if not (page.parent / each).exists()] == []


@pytest.mark.parametrize("source", blocks("python"))
def test_python_on_a_page_is_valid(source):
    # A page may show a method without its class.
    ast.parse(textwrap.dedent(source))


@pytest.mark.parametrize("source", blocks("toml"))
def test_toml_on_a_page_is_valid(source):
    tomllib.loads(source)


def commands():
    """The command lines of hookserve that pages show."""
    found = {}
    for page in PAGES:
        for match in FENCE.finditer(page.read_text()):
            if match[1] not in ("", "console", "bash", "sh", "shell"):
                continue
            for line in match[2].replace("\\\n", " ").splitlines():
                words = line.strip().removeprefix("$ ").partition("  #")[0].split()
                if words[:1] == ["hookserve"] and not set(line) & set("<>|…[]{}&;'\"`"):
                    found[" ".join(words)] = name_of(page)
    return [pytest.param(words.split()[1:], id=f"{page}: {words}") for words, page in found.items()]


@pytest.mark.parametrize("words", commands())
def test_a_command_line_on_a_page_is_one(words):
    host = load_plugins([], {})
    known = {"new"}
    if words and words[0] in known:
        return
    try:
        read(declare_settings(host), Arguments(words), "command line")
    except HookserveError as error:
        raise AssertionError(str(error)) from None


@pytest.mark.process
def test_the_console_sessions_of_the_readme_name_targets_that_exist():
    targets = re.findall(r"^make ([\w-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert targets
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
