"""What is written, file by file."""

import ast
import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from hookserve_scaffold.project import KINDS, Project

from hookserve import HookserveError, UsageError

ROOT = Path(__file__).parents[3]
TEMPLATES = Path(find_spec("hookserve_scaffold").origin).parent / "templates"


@pytest.mark.parametrize("name", ["tidy", "x", "my-model", "my_model", "h2o", "class", "a1-b2-c3"])
def test_every_file_is_what_it_should_be(tmp_path, name):
    project = Project("worker", name, tmp_path)
    written = project.write()

    package = f"hookserve_{name.replace('-', '_')}"
    assert project.folder == tmp_path / f"hookserve-{name}"
    assert written == [
        "README.md",
        f"{package}/__init__.py",
        f"{package}/py.typed",
        f"{package}/worker.py",
        "pyproject.toml",
        "tests/test_contract.py",
    ]
    texts = {path: (project.folder / path).read_text() for path in written}
    assert not [path for path, text in texts.items() if "$" in text]
    data = tomllib.loads(texts["pyproject.toml"])
    assert data["project"]["name"] == f"hookserve-{name}"
    assert data["project"]["entry-points"]["hookserve"] == {name: package}
    classes = {
        path: node.name
        for path, text in texts.items()
        if path.endswith(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    }
    target = f'"{package}.worker:{classes[f"{package}/worker.py"]}"'
    assert target in texts[f"{package}/__init__.py"]
    assert f'worker = "{name}"' in texts["tests/test_contract.py"]


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


STYLE = ("--config", str(ROOT / "pyproject.toml"), ".")


@pytest.mark.process
@pytest.mark.skipif(find_spec("ruff") is None or find_spec("mypy") is None, reason="no linters")
@pytest.mark.parametrize(
    "tool",
    [
        ("ruff", "check", *STYLE),
        ("ruff", "format", "--check", *STYLE),
        ("mypy", "--strict", "--cache-dir", os.devnull, "-p", "hookserve_tidy"),
    ],
    ids=lambda tool: tool[0],
)
def test_what_is_written_is_in_the_house_style(tmp_path, tool):
    project = Project("worker", "tidy", tmp_path)
    project.write()

    result = subprocess.run(
        [sys.executable, "-m", *tool], cwd=project.folder, capture_output=True, text=True
    )

    assert result.returncode == 0, result.stdout + result.stderr
