"""The pages for authors of protocols, wrappers and tests show what there is, and what works."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support.pages import blocks_of

from hookserve.protocol import seam
from hookserve.testing import ProtocolContract

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
EXAMPLE = ROOT / "examples" / "hookserve-resp"
PROTOCOLS = GUIDE / "protocols.md"
SHOWN = [
    pytest.param(block, id=f"{block.title}:{block.line}")
    for block in blocks_of(PROTOCOLS)
    if block.title
]


def without_blank_lines(text):
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("block", SHOWN)
def test_a_block_of_the_tutorial_is_a_part_of_the_example(block):
    source = without_blank_lines((EXAMPLE / block.title).read_text())
    shown = without_blank_lines(block.text)

    # Methods are shown without the indentation of their class.
    assert shown in source or textwrap.indent(shown, "    ") in source


def test_every_file_of_the_tutorial_is_shown_in_its_order():
    found = {}
    for block in blocks_of(PROTOCOLS):
        if block.title:
            source = (EXAMPLE / block.title).read_text()
            found.setdefault(block.title, []).append(source.index(block.text.splitlines()[0]))

    # What is told of stopping and of services comes where the text has come to it.
    assert found.keys() >= {f"hookserve_resp/{name}.py" for name in ("protocol", "subscription")}
    assert found["hookserve_resp/protocol.py"] == sorted(found["hookserve_resp/protocol.py"])
    assert found["hookserve_resp/exchange.py"] == sorted(found["hookserve_resp/exchange.py"])


def test_the_table_of_states_is_that_of_the_seam():
    states = re.findall(r"^\| `([A-Z_]+)` \|", PROTOCOLS.read_text(), re.MULTILINE)

    assert [getattr(seam, state) for state in states] == list(range(7))


def test_the_table_of_calls_names_methods_of_a_connection():
    table = PROTOCOLS.read_text().partition("| the worker calls |")[2].partition("\n\n")[0]
    calls = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert calls == ["run", "feed", "drained", "leave", "disconnected"]
    assert all(hasattr(seam.Connection, name) for name in calls)


def test_the_attributes_of_the_contract_are_those_of_the_page():
    page = (GUIDE / "testing-plugins.md").read_text()
    table = page.partition("## A protocol")[2].partition("## Without")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    (base,) = [each for each in ProtocolContract.__mro__ if each.__name__ == "ProtocolBase"]
    own = {*vars(base), *base.__annotations__} - {"worker", "setup_class", "make", "make_again"}

    assert listed == {name for name in own if not name.startswith("_")}


def blocks_with_titles(*pages):
    return {
        block.title: block.text
        for page in pages
        for block in blocks_of(GUIDE / page)
        if block.title
    }


@pytest.mark.process
@pytest.mark.parametrize("name", ["test_counted.py", "test_resp.py"])
def test_the_tests_of_the_page_pass(tmp_path, name):
    files = blocks_with_titles("wrappers.md", "testing-plugins.md")
    for path in ("counted.py", name):
        (tmp_path / path).write_text(files[path])

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert re.search(r"^1 passed", result.stdout, re.MULTILINE), result.stdout


def test_the_wrapper_of_the_page_counts_for_suspended_exchanges_too():
    scope = {}
    exec(blocks_with_titles("wrappers.md")["counted.py"], scope)
    transport = scope["CountingTransport"]

    # A transport that does not pass something on would take the default of the base class.
    public = {name for name in vars(seam.Transport) if not name.startswith("_")}
    assert public <= set(vars(transport))
