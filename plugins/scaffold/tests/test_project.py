"""What is written, file by file."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from hookserve_scaffold.project import INTERFACES, KINDS, Project
from support import installed

from hookserve import HookserveError, UsageError

INTERFACES_OF = [("worker", "wsgi"), ("worker", "asgi"), ("protocol", "wsgi")]
"""Each kind, with each interface that it may be for."""
ROOT = Path(__file__).parents[3]
TEMPLATES = Path(find_spec("hookserve_scaffold").origin).parent / "templates"


@pytest.mark.parametrize(("kind", "interface"), INTERFACES_OF)
@pytest.mark.parametrize("name", ["tidy", "x", "my-model", "my_model", "h2o", "class", "a1-b2-c3"])
def test_every_file_is_what_it_should_be(tmp_path, name, kind, interface):
    project = Project(kind, name, tmp_path, interface)
    written = project.write()

    package = f"hookserve_{name.replace('-', '_')}"
    assert project.folder == tmp_path / f"hookserve-{name}"
    assert written == [
        "README.md",
        *sorted(f"{package}/{each}" for each in ("__init__.py", f"{kind}.py", "py.typed")),
        "pyproject.toml",
        "tests/test_contract.py",
    ]
    texts = {path: (project.folder / path).read_text() for path in written}
    assert not [path for path, text in texts.items() if "$" in text]
    data = tomllib.loads(texts["pyproject.toml"])
    assert data["project"]["name"] == f"hookserve-{name}"
    assert data["project"]["entry-points"]["hookserve"] == {name: package}
    (target,) = [
        f'"{package}.{kind}:{node.name}"'
        for node in ast.walk(ast.parse(texts[f"{package}/{kind}.py"]))
        if isinstance(node, ast.ClassDef) and node.name.endswith(kind.title())
    ]
    assert target in texts[f"{package}/__init__.py"]
    assert f'{kind} = "{name}"' in texts["tests/test_contract.py"]


def test_a_class_is_named_in_one_word(tmp_path):
    project = Project("worker", "my-own_model", tmp_path)
    project.write()

    worker = (project.folder / "hookserve_my_own_model" / "worker.py").read_text()
    assert "class MyOwnModelWorker(ReactorWorker):" in worker


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Tidy",
        "1st",
        "-x",
        "x-",
        "a--b",
        "a-_b",
        "a.b",
        "a b",
        "é",
        "x\n",
        "x'",
        "$name",
        "a/b",
        "..",
        "PACKAGE",
    ],
)
def test_what_cannot_be_a_name_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be a worker's name"):
        Project("worker", name, tmp_path)


def test_half_a_project_is_not_left_behind(tmp_path, monkeypatch):
    count = []

    def write_text(path, text, encoding):
        count.append(path)
        if len(count) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_text)

    with pytest.raises(HookserveError, match="No space left"):
        Project("worker", "tidy", tmp_path).write()
    assert list(tmp_path.iterdir()) == []


def test_every_kind_has_templates_and_every_file_there_is_one():
    folders = [f"{kind}-{interface}".removesuffix("-wsgi") for kind, interface in INTERFACES_OF]
    assert sorted(folders) == sorted(path.name for path in TEMPLATES.iterdir())
    assert {kind for kind, _ in INTERFACES_OF} == set(KINDS)
    assert {interface for _, interface in INTERFACES_OF} == set(INTERFACES)
    found = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    assert found
    assert not [path for path in found if path.suffix != ".template"]


@pytest.mark.process
def test_a_protocol_that_was_begun_passes_its_own_tests(tmp_path):
    result = run_tests(Project("protocol", "lines", tmp_path))

    assert re.search(r"^12 passed, 10 skipped", result.stdout, re.MULTILINE), result.stdout


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["-k", "life or interface or overlap or finishes_what"], "5 passed, 13 deselected"),
        pytest.param([], "18 passed", marks=pytest.mark.everywhere),
    ],
    ids=["in short", "whole"],
)
def test_a_worker_for_asgi_that_was_begun_passes_its_own_tests(tmp_path, words, outcome):
    result = run_tests(Project("worker", "tidy", tmp_path, "asgi"), *words)

    assert re.search(f"^{outcome} in ", result.stdout, re.MULTILINE), result.stdout


def run_tests(project, *words):
    """Write a project, and run its tests as if it were installed."""
    project.write()
    place, package = project.folder.parent, f"hookserve_{project.package}"
    installed.install(place, project.folder.name, {project.name: package}, {})
    search = os.pathsep.join(map(str, (place, project.folder)))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("kind", "interface"), INTERFACES_OF)
def test_what_is_written_uses_public_modules_only(tmp_path, kind, interface):
    project = Project(kind, "tidy", tmp_path, interface)
    project.write()
    table = tomllib.loads((ROOT / "docs" / "reference" / "public.toml").read_text())
    public = {each["name"] for each in table["modules"]}

    imported = {
        node.module
        for path in project.folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    }
    ours = {name for name in imported if re.match(r"hookserve(\.|$)", name)}
    assert ours
    assert ours <= public


STYLE = ("--config", str(ROOT / "pyproject.toml"), ".")


@pytest.fixture(scope="module")
def linter_caches(tmp_path_factory):
    """What mypy finds of hookserve for one project holds for the next."""
    return {**os.environ, "MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy"))}


@pytest.mark.process
@pytest.mark.skipif(find_spec("ruff") is None or find_spec("mypy") is None, reason="no linters")
@pytest.mark.parametrize(("kind", "interface"), INTERFACES_OF)
@pytest.mark.parametrize(
    "tool",
    [
        ("ruff", "check", *STYLE),
        ("ruff", "format", "--check", *STYLE),
        ("mypy", "--strict", "-p", "hookserve_tidy"),
    ],
    ids=lambda tool: tool[0],
)
def test_what_is_written_is_in_the_house_style(tmp_path, linter_caches, tool, kind, interface):
    project = Project(kind, "tidy", tmp_path, interface)
    project.write()

    result = subprocess.run(
        [sys.executable, "-m", *tool],
        cwd=project.folder,
        env=linter_caches,
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stdout + result.stderr
