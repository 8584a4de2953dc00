"""The style that CONTRIBUTING.md promises: lengths and words."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("hookserve", "plugins", "tests", "benchmarks", "docs", "examples/hookserve-asyncio")
MODULES = sorted(path for folder in OURS for path in (ROOT / folder).rglob("*.py"))
SOURCES = [
    path
    for path in MODULES
    if path.relative_to(ROOT).parts[0] in ("hookserve", "plugins")
    and "tests" not in path.relative_to(ROOT).parts
]
LONGEST_MODULE, LONGEST_FUNCTION, MOST_FUNCTIONS = 400, 40, 20
"""Lines; nine functions of ten in the sources have at most the last."""


PRIVATE_WORDS = re.compile(
    r"""\b(
    crews? | roster | keeper | recruit\w* | rebirth | probation | bury | buri(es|ed) | heed\w*
    | bells? | rung | turnstile | baton | forg(ive|ave)\w* | hopeless | fleet | teller | futile
    | dispensable | postponed? | vacancy | spawner | forker | look(s|ed)?\ after | excuse\w*
    | adopt\w* | parks? | parked | crowded | succession
    | whoever | somebody\w* | nobody\w* | anybody
    )\b
    | hear_out | let_go | last\ words | turn(s|ed)?\ away | (hang|hung|hangs)\ up
    | (?<!in_)(?<!in\ )\b[Ff]lights?\b
    | (?<!there\ )(?<!There\ )\bis\ none\b | _is_none\b
    """,
    re.VERBOSE,
)
"""Words that a network programmer does not know at sight; the glossary has those that replace
them."""
ALLOWED = re.compile(
    r"""
    # The user of that name.
    "nobody" | getpwnam | ^\s*nobody\ = | \bnobody,\ -1 | Owner\(nobody | --user\ nobody
    | user:\ nobody | user\ =\ nobody | /nobody'
    """,
    re.VERBOSE,
)


def texts():
    for folder in ("hookserve", "plugins", "tests", "docs", "examples", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = str(path.relative_to(ROOT))
            if path.suffix not in (".py", ".md", ".toml", ".template"):
                continue
            if "/decisions/" in name or "/assets/" in name or path == Path(__file__):
                continue
            yield name, path.read_text()


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


def test_words_are_those_of_the_field():
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if PRIVATE_WORDS.search(line) and not ALLOWED.search(line)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "is_private"),
    [
        ("the keeper asks the crew", True),
        ("holds nobody up", True),
        ("chown nobody /x; getpwnam('nobody')", False),
        ("requests in flight, requests_in_flight", False),
        ("a Flight of the request", True),
        ("the method is none", True),
        ("-1 where there is none", False),
        ("the value is None", False),
    ],
)
def test_private_words_are_found(line, is_private):
    assert bool(PRIVATE_WORDS.search(line) and not ALLOWED.search(line)) is is_private
