"""References to tests: `path::name`, `path::class::name`, or requests of the corpus."""

import ast
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = {
    f"{kind}/{name}"
    for kind in ("valid", "invalid")
    for name in tomllib.loads((ROOT / "tests" / "corpus" / f"{kind}.toml").read_text())
}


@cache
def defined_in(path):
    """The functions that a file defines, as ``name`` and ``class::name``."""
    if not (ROOT / path).is_file():
        return frozenset()
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef)
            }
    return frozenset(found)


def is_there(reference):
    """A test of that name exists, or a request of the corpus matches."""
    path, separator, name = reference.partition("::")
    if separator:
        return name.rpartition("::")[2].startswith("test_") and name in defined_in(path)
    return any(fnmatchcase(each, reference) for each in CORPUS)
