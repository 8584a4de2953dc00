"""Wheels that others publish: built, installed in a clean environment, found and used.

The workers among them pass the contract of all models, from here against the clean environment.
"""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.clean_environment import (
    ROOT,
    build_wheel,
    install,
    make_environment,
    make_once,
    run,
    wheel_of,
)

from hookserve.testing import WorkerContract, serve
from tests.support import web

EXAMPLE = ROOT / "examples" / "hookserve-aio"

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
        def greet_first(status, headers, *rest):
            return start_response(status, [("X-Greeting", environ["PATH_INFO"]), *headers], *rest)
        return app(environ, greet_first)
    return greeting
"""

TALLY = """
from hookserve import LoggerType, Setting, hookimpl
from hookserve.config.values import text

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
            print(record.environ["PATH_INFO"], record.status_code, file=file)

def make(config):
    return Tally(config.tally_file)
"""


def write(folder, files):
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def example_contract():
    """The tests that the example brings for itself."""
    path = EXAMPLE / "tests" / "test_contract.py"
    specification = importlib.util.spec_from_file_location("example_contract", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.TestContract


@dataclass
class Environment:
    """A clean environment, with nothing but wheels."""

    python: Path
    tidy: Path
    """The project that ``hookserve new`` wrote in it."""


@pytest.fixture(scope="module", autouse=True)
def clean(tmp_path_factory):
    """A clean environment with hookserve and four wheels of others; one of them was begun there."""
    folder = make_once(tmp_path_factory, "third", lambda made: fill(made, tmp_path_factory))
    python = folder / "venv" / "bin" / "python"
    TestExample.python = TestBegun.python = str(python)
    return Environment(python, folder / "hookserve-tidy")


def fill(folder, factory):
    """Make the environment and the project in a folder."""
    for name, text in (("greeter", GREETER), ("tally", TALLY)):
        write(
            folder / name,
            {"pyproject.toml": PROJECT.format(name=name), f"hookserve_{name}/__init__.py": text},
        )
    wheels = [wheel_of(project, factory) for project in (ROOT, EXAMPLE)]
    wheels += [build_wheel(folder / name, folder / "wheels") for name in ("greeter", "tally")]
    python = make_environment(folder / "venv", wheels)
    run(python.with_name("hookserve"), "new", "worker", "tidy", "--directory", folder)
    install(python, [build_wheel(folder / "hookserve-tidy", folder / "wheels")], ["pytest"])


class TestExample(example_contract()):
    """The example's own tests, with the wheel."""


@pytest.mark.everywhere  # it is written after the example
class TestBegun(WorkerContract):
    """What ``hookserve new`` writes passes the contract as it is."""

    worker = "tidy"


def test_the_wheel_has_a_command_and_types(clean):
    assert "hookserve 0." in run(clean.python.with_name("hookserve"), "--version")
    found = run(
        clean.python,
        "-c",
        "import hookserve, hookserve_http, pathlib\n"
        "for each in (hookserve, hookserve_http):\n"
        "    assert pathlib.Path(each.__file__).with_name('py.typed').exists()\n"
        "print(hookserve.__file__)",
        cwd="/",
    )
    assert "site-packages" in found


def test_the_wheels_of_others_are_listed(clean):
    workers = run(clean.python, "-m", "hookserve", "--list-workers")
    plugins = run(clean.python, "-m", "hookserve", "--list-plugins")

    for name, version in (("aio", "1.0"), ("tidy", "0.1.0")):
        row = rf"^{name} +ready +hookserve-{name} {re.escape(version)} "
        assert re.search(row, workers, re.MULTILINE), workers
    for name in ("greeter", "tally", "aio", "tidy"):
        assert re.search(rf"^{name} +active +hookserve-{name} ", plugins, re.MULTILINE), plugins


def test_a_setting_of_others_is_in_the_help(clean):
    shown = run(clean.python, "-m", "hookserve", "--help")

    section = shown.partition("settings of aio:\n")[2].partition("\n\n")[0]
    assert "--aio-threads" in section
    assert "[4]" in section


@pytest.mark.parametrize("worker", ["aio", "tidy"])
def test_the_wheels_of_others_are_used(clean, tmp_path, worker):
    (tmp_path / "app.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [])\n    return [environ['PATH_INFO'].encode()]\n"
    )
    arguments = ["--logger-class", "standard", "--logger-class", "tally"]
    with serve(
        "app",
        worker=worker,
        workers=2,
        chdir=tmp_path,
        python=str(clean.python),
        arguments=arguments,
    ) as server:
        answers = [web.get(f"{server.url}/{number}") for number in range(5)]
        assert server.stop() == 0

    paths = [f"/{number}" for number in range(5)]
    assert [answer.text for answer in answers] == paths
    assert [answer.headers["X-Greeting"] for answer in answers] == paths
    # A worker writes its line when its client has the response, and another may be quicker.
    tally = (tmp_path / "tally").read_text().splitlines()
    assert sorted(tally) == [f"{path} 200" for path in paths]


def test_the_project_that_was_begun_tests_itself(clean):
    found = run(
        clean.python, "-m", "pytest", "-q", "-k", "life_come_in_their_order", cwd=clean.tidy
    )

    assert re.search(r"^1 passed", found, re.MULTILINE), found
