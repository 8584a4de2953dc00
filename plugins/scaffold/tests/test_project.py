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
from hookserve_scaffold.project import KINDS, Project
from support import installed

from hookserve import HookserveError, UsageError

ROOT = Path(__file__).parents[3]
TEMPLATES = Path(find_spec("hookserve_scaffold").origin).parent / "templates"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["tidy", "x", "my-model", "my_model", "h2o", "class", "a1-b2-c3"])
def test_every_file_is_what_it_should_be(tmp_path, name, kind):
    project = Project(kind, name, tmp_path)
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
    assert sorted(KINDS) == sorted(path.name for path in TEMPLATES.iterdir())
    found = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    assert found
    assert not [path for path in found if path.suffix != ".template"]


@pytest.mark.process
def test_a_protocol_that_was_begun_passes_its_own_tests(tmp_path):
    project = Project("protocol", "lines", tmp_path)
    project.write()
    installed.install(tmp_path, "hookserve-lines", {"lines": "hookserve_lines"}, {})
    search = os.pathsep.join(map(str, (tmp_path, project.folder)))

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
    )

    assert re.search(r"^12 passed, 10 skipped", result.stdout, re.MULTILINE), result.stdout


STYLE = ("--config", str(ROOT / "pyproject.toml"), ".")


@pytest.mark.process
@pytest.mark.skipif(find_spec("ruff") is None or find_spec("mypy") is None, reason="no linters")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "tool",
    [
        ("ruff", "check", *STYLE),
        ("ruff", "format", "--check", *STYLE),
        ("mypy", "--strict", "--cache-dir", os.devnull, "-p", "hookserve_tidy"),
    ],
    ids=lambda tool: tool[0],
)
def test_what_is_written_is_in_the_house_style(tmp_path, tool, kind):
    project = Project(kind, "tidy", tmp_path)
    project.write()

    result = subprocess.run(
        [sys.executable, "-m", *tool], cwd=project.folder, capture_output=True, text=True
    )

    assert result.returncode == 0, result.stdout + result.stderr
