"""The tutorial for authors of worker models shows what there is."""

import inspect
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.pages import blocks_of

from hookserve.reactor import green
from hookserve.testing import WorkerContract

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "guide" / "workers.md"
PAGE = PATH.read_text()
FILES = ("hookserve_tidy/__init__.py", "hookserve_tidy/worker.py", "tests/test_contract.py")


def shown(title):
    """What the blocks with a title say, each without its blank lines."""
    return [lines_of(block.text) for block in blocks_of(PATH) if block.title == title]


def lines_of(text):
    return [line for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def tidy(tmp_path_factory):
    """The project of the page."""
    folder = tmp_path_factory.mktemp("guide")
    command = [sys.executable, "-m", "hookserve", "new", "worker", "tidy"]
    subprocess.run(command, capture_output=True, check=True, cwd=folder)
    return folder / "hookserve-tidy"


def test_every_block_is_one_that_is_compared_here():
    known = {"", "pyproject.toml", "hookserve.reactor.green", *FILES}

    assert {block.title for block in blocks_of(PATH)} == known
    assert {block.language for block in blocks_of(PATH) if not block.title} == {"bash", "console"}


@pytest.mark.parametrize("path", FILES)
def test_the_steps_of_the_page_make_up_the_file(tidy, path):
    left = lines_of((tidy / path).read_text())
    for step in shown(path):
        part, left = left[: len(step)], left[len(step) :]
        # Methods are shown without the indentation of their class.
        assert part in (step, lines_of(textwrap.indent("\n".join(step), "    ")))
    assert left == []


def test_the_entry_point_is_as_shown(tidy):
    (part,) = shown("pyproject.toml")
    assert "\n".join(part) in (tidy / "pyproject.toml").read_text()


def test_green_models_are_asked_for_what_the_page_says():
    (block,) = shown("hookserve.reactor.green")
    lines = [line.removesuffix(" ...") for line in block]

    source = inspect.getsource(green)
    assert not [line for line in lines if line not in source]
    names = {re.split(r"[(:]", line.removeprefix("def "))[0] for line in lines}
    attributes = set(green.GreenWorker.__annotations__)
    assert names == green.GreenWorker.__abstractmethods__ | attributes


def test_the_life_of_the_page_is_the_one_of_the_contract():
    table = PAGE.partition("## The life of a worker")[2].partition("\n## ")[0]
    steps = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert steps == [
        "patch",
        "preload",
        "pre_fork",
        "post_fork",
        "application",
        "app_wrappers",
        "post_worker_init",
        "ready",
        "draining",
        "exit",
    ]
    # Not imported by itself: the contract must have its assertions rewritten first.
    order = inspect.getmodule(WorkerContract.test_the_steps_of_a_life_come_in_their_order)
    called = [step.removeprefix("worker_") for step in order.IN_WORKER]
    assert [step for step in called if step in steps] == [step for step in steps if step in called]


def test_the_modules_that_the_page_calls_public_are():
    listed = PAGE.partition("The public modules for a model are ")[2].partition("\n\n")[0]
    modules = re.findall(r"`([\w.]+)`", listed)

    table = tomllib.loads((ROOT / "docs" / "reference" / "public.toml").read_text())
    public = {each["name"] for each in table["modules"]}
    assert modules
    assert not [name for name in modules if find_spec(name) is None]
    folders = {name for name in modules if any(each.startswith(f"{name}.") for each in public)}
    assert set(modules) - folders <= public
