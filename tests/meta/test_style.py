"""The style that CONTRIBUTING.md promises: lengths, and predicates that do not act."""

import ast
import re
from functools import cache

import pytest

from tests.support.tree import ROOT, modules_in

OURS = ("hookserve", "plugins", "tests", "benchmarks", "docs", "examples")
MODULES = modules_in(*OURS)
SOURCES = [
    path
    for path in MODULES
    if path.relative_to(ROOT).parts[0] in ("hookserve", "plugins")
    and "tests" not in path.relative_to(ROOT).parts
]
LONGEST_MODULE, LONGEST_FUNCTION, MOST_FUNCTIONS = 400, 40, 20
"""Lines; nine functions of ten in the sources have at most the last."""
PREDICATE = re.compile("_*(is|has|can)_")


@cache
def functions(path):
    """Of each function the number of its lines, and where it is."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            found.append((node.end_lineno - node.lineno + 1, where))
    return found


def test_no_module_is_too_long_to_read():
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES}

    assert not {path: size for path, size in lengths.items() if size > LONGEST_MODULE}


def test_no_function_is_too_long_to_read():
    found = [each for path in MODULES for each in functions(path)]

    assert not [each for each in found if each[0] > LONGEST_FUNCTION]


def test_nine_functions_in_ten_are_short():
    lengths = sorted(size for path in SOURCES for size, _ in functions(path))

    assert lengths[len(lengths) * 9 // 10] <= MOST_FUNCTIONS


def test_the_formatter_formats_everything():
    assert not [path for path in MODULES if re.search(r"# fmt: (skip|off)", path.read_text())]


def acting_predicates(tree):
    """The names of functions that read as a question and assign an attribute or an outer name."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if PREDICATE.match(node.name) and any(map(_changes_state, ast.walk(node))):
            yield node.name


def _changes_state(node):
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return isinstance(node.ctx, (ast.Store, ast.Del))
    return isinstance(node, (ast.Global, ast.Nonlocal))


def test_a_predicate_changes_no_state():
    found = {
        f"{path.relative_to(ROOT).as_posix()} {name}"
        for path in SOURCES
        for name in acting_predicates(ast.parse(path.read_text()))
    }

    assert not found


@pytest.mark.parametrize(
    ("body", "acts"),
    [
        ("return self.count > 1", False),
        ("count = self.count\n return count > 1", False),
        ("self.count = 1", True),
        ("self.count += 1", True),
        ("seen[0] = 1", True),
        ("del self.count", True),
        ("global count\n count = 1", True),
    ],
)
def test_a_predicate_that_acts_is_found(body, acts):
    assert list(acting_predicates(ast.parse(f"def is_new(self):\n {body}"))) == ["is_new"] * acts
