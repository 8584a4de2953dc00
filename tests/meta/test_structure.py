"""The shape of the repository is as it is documented."""

import ast
import graphlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if path.is_dir())
EVENT_LIBRARIES = ("gevent", "eventlet", "tornado", "greenlet", "asyncio")

WITHOUT_PLUGINS = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("hookserve_"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
from hookserve.cli.main import main
import hookserve.launch.start, hookserve.testing
assert main(["--list-plugins"]) == 0
assert main(["--list-workers"]) == 0
assert main(["app:app"]) == 1
assert not [name for name in sys.modules if name.startswith("hookserve_")]
"""

WITH_PLUGINS = """
import sys
from hookserve.launch.assembly import load_plugins
host = load_plugins([], {})
assert not host.failures(), host.failures()
print(*sys.modules)
"""


def run(source):
    return subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True
    )


@pytest.mark.process
def test_the_core_runs_with_every_plugin_out_of_reach():
    result = run(WITHOUT_PLUGINS)

    assert "failed" in result.stdout
    assert "unknown worker 'sync'" in result.stderr or "is broken" in result.stderr


@pytest.mark.process
def test_loading_all_plugins_imports_no_worker_and_no_event_library():
    modules = run(WITH_PLUGINS).stdout.split()

    assert "hookserve_sync" in modules
    assert not [name for name in modules if name.endswith(".worker")]
    assert not set(EVENT_LIBRARIES) & set(modules)
    assert "ssl" not in modules


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda path: path.name)
def test_every_plugin_folder_has_the_same_shape_and_is_installed(folder):
    package = f"hookserve_{folder.name}"
    assert (folder / package / "__init__.py").is_file()
    assert (folder / package / "py.typed").is_file()
    assert (folder / "README.md").is_file()
    assert list((folder / "tests").glob("test_*.py"))
    own = folder / "pyproject.toml"
    project = tomllib.loads(own.read_text()) if own.exists() else PROJECT
    assert project["project"]["entry-points"]["hookserve"][folder.name] == package
    assert package in PROJECT["tool"]["importlinter"]["root_packages"]


def test_what_the_entry_points_name_is_there():
    for name, package in PROJECT["project"]["entry-points"]["hookserve"].items():
        assert (ROOT / "plugins" / name / package / "__init__.py").is_file()


def run_time_imports(path):
    """The modules of the core that a file imports at run time, inside functions too."""
    pending, found = [ast.parse(path.read_text())], []
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        if isinstance(node, ast.ImportFrom):
            found.extend(f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            found.extend(each.name for each in node.names)
        pending.extend(ast.iter_child_nodes(node))
    return [name for name in found if name.startswith("hookserve.")]


def folder_of(path):
    """The first part of the path below the core: a folder, or a module of its own."""
    return path.relative_to(ROOT / "hookserve").parts[0].removesuffix(".py")


def test_no_folders_import_each_other_in_a_circle():
    graph = {}
    for path in (ROOT / "hookserve").rglob("*.py"):
        # The package's own module and its command stand above all folders.
        if (folder := folder_of(path)) in ("__init__", "__main__"):
            continue
        targets = {name.split(".")[1] for name in run_time_imports(path)}
        graph.setdefault(folder, set()).update(targets - {folder, "__version__"})

    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_circle_test_sees_imports_inside_functions_and_not_those_for_types(tmp_path):
    module = tmp_path / "module.py"
    module.write_text(
        "from hookserve.errors import ConfigError\n"
        "if TYPE_CHECKING:\n    from hookserve.arbiter import arbiter\n"
        "def late():\n    import hookserve.plugins.host\n"
    )

    assert set(run_time_imports(module)) == {
        "hookserve.errors.ConfigError",
        "hookserve.plugins.host",
    }


def test_the_core_depends_on_two_distributions():
    names = {word.partition(">")[0] for word in PROJECT["project"]["dependencies"]}

    assert names == {"pluggy", "importlib-metadata"}


FOLDERS = sorted(
    path.parent
    for pattern in ("hookserve/*/__init__.py", "plugins/*/hookserve_*/__init__.py")
    for path in ROOT.glob(pattern)
    if len(list(path.parent.glob("*.py"))) > 2
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_the_docstring_of_a_folder_names_each_of_its_modules(folder):
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    named = {
        name.strip("` ")
        for line in text.splitlines()
        if not line.startswith((" ", "\t"))
        for name in line.split(",")
    }
    modules = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")}

    assert modules - named == set()
