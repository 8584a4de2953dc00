"""The style that CONTRIBUTING.md promises: lengths."""

import ast
import re

from tests.support.tree import ROOT, modules_in

OURS = ("hookserve", "plugins", "tests", "benchmarks", "docs", "examples/hookserve-aio")
MODULES = modules_in(*OURS)
SOURCES = [
    path
    for path in MODULES
    if path.relative_to(ROOT).parts[0] in ("hookserve", "plugins")
    and "tests" not in path.relative_to(ROOT).parts
]
LONGEST_MODULE, LONGEST_FUNCTION, MOST_FUNCTIONS = 400, 40, 20
"""Lines; nine functions of ten in the sources have at most the last."""


def functions(modules):
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                yield node.end_lineno - node.lineno + 1, where


def test_no_module_is_too_long_to_read():
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES}

    assert not {path: size for path, size in lengths.items() if size > LONGEST_MODULE}


def test_no_function_is_too_long_to_read():
    assert not [each for each in functions(MODULES) if each[0] > LONGEST_FUNCTION]


def test_nine_functions_in_ten_are_short():
    lengths = sorted(size for size, _ in functions(SOURCES))

    assert lengths[len(lengths) * 9 // 10] <= MOST_FUNCTIONS


def test_the_formatter_formats_everything():
    assert not [path for path in MODULES if re.search(r"# fmt: (skip|off)", path.read_text())]
