"""Wheels that others publish: built outside the tree, installed with pip, found and used."""

import re
import subprocess
import sys
import venv
from pathlib import Path

import httpx
import pytest

from hookserve.testing import serve

ROOT = Path(__file__).parents[2]

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "hookserve-{name}"
version = "1.0"
dependencies = ["hookserve"]

[project.entry-points.hookserve]
{name} = "hookserve_{name}"
"""

GREETER = """
from hookserve import hookimpl

@hookimpl
def app_wrappers(worker):
    return [greet]

def greet(app):
    def greeting(environ, start_response):
        return [b"greetings, ", *app(environ, start_response)]
    return greeting
"""

TALLY = """
from hookserve import LoggerType, Setting, hookimpl
from hookserve.values import text

@hookimpl
def logger_types():
    return [LoggerType("tally", "hookserve_tally:make", "one line for each request")]

@hookimpl
def settings():
    return [Setting("tally_file", "tally", text, "where to tally")]

class Tally:
    def __init__(self, path):
        self.path = path

    @hookimpl
    def log_access(self, record):
        with open(self.path, "a") as file:
            print(record.environ["PATH_INFO"], record.status, file=file)

def make(config):
    return Tally(config.tally_file)
"""


def example_worker():
    """The worker of the guide, cut out of its page."""
    page = (ROOT / "docs" / "guide" / "plugins.md").read_text()
    blocks = [each.split("```")[0] for each in page.split("```python\n")[1:]]
    module = next(block for block in blocks if "class PlainWorker" in block)
    plugin = next(block for block in blocks if "plain.worker:PlainWorker" in block)
    return module, plugin.replace("plain.worker", "hookserve_plain.worker")


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def write(folder, files):
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A clean environment with hookserve and three wheels of others."""
    folder = tmp_path_factory.mktemp("third")
    worker, plugin = example_worker()
    sources = {
        "greeter": {"hookserve_greeter/__init__.py": GREETER},
        "tally": {"hookserve_tally/__init__.py": TALLY},
        "plain": {"hookserve_plain/__init__.py": plugin, "hookserve_plain/worker.py": worker},
    }
    wheels = folder / "wheels"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(wheels)]
    for name, files in sources.items():
        source = folder / name
        write(source, {"pyproject.toml": PROJECT.format(name=name), **files})
        run(*build, str(source))
    run(*build, str(ROOT))
    environment = folder / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(str(python), "-m", "pip", "install", "-q", *map(str, wheels.glob("*.whl")))
    return python


def test_the_wheel_has_a_command_and_types(clean):
    assert "hookserve 0." in run(str(clean.parent / "hookserve"), "--version")
    found = run(
        str(clean), "-c",
        "import hookserve, hookserve_http, pathlib\n"
        "for each in (hookserve, hookserve_http):\n"
        "    assert pathlib.Path(each.__file__).with_name('py.typed').exists()\n"
        "print(hookserve.__file__)",
        cwd="/",
    )  # fmt: skip
    assert "site-packages" in found


def test_the_wheels_of_others_are_listed(clean):
    listed = run(str(clean), "-m", "hookserve", "--list-workers")
    plugins = run(str(clean), "-m", "hookserve", "--list-plugins")

    assert re.search(r"^plain +ready +hookserve-plain 1\.0", listed, re.MULTILINE)
    for name in ("greeter", "tally", "plain"):
        assert f"hookserve-{name} 1.0" in plugins


def test_the_wheels_of_others_are_used(clean, tmp_path):
    (tmp_path / "app.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [])\n    return [environ['PATH_INFO'].encode()]\n"
    )
    arguments = ["--logger-class", "standard", "--logger-class", "tally"]
    with serve("app", worker="plain", workers=2, chdir=tmp_path, python=str(clean),
               arguments=arguments) as server:  # fmt: skip
        answers = [httpx.get(f"{server.url}/{number}").text for number in range(5)]
        assert server.stop() == 0

    assert answers == [f"greetings, /{number}" for number in range(5)]
    tally = (tmp_path / "tally").read_text().splitlines()
    assert tally == [f"/{number} 200" for number in range(5)]
