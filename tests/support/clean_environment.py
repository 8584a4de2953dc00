"""A fresh virtual environment with wheels in it, made without a package index.

What the wheels depend on is copied, file by file, from the environment that the tests run in.
"""

import fcntl
import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def run(*command, **options):
    """Run to the end; the standard output."""
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def make_once(factory, name, make):
    """A folder that is made once in a run, by the first of the processes side by side that asks.

    `factory` is pytest's `tmp_path_factory`; `make` gets the folder, and the others wait for it.
    A `make` that fails is repeated by the next that asks.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # of all processes
    folder, made = base / name, base / f"{name}.made"
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            made.touch()
    return folder


def wheel_of(project, factory):
    """The wheel of one of our own projects, built once in a run; its path.

    By the backend itself: a frontend makes the same bytes in twice the time.
    """
    words = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d")
    name = f"wheel-of-{project.name}"
    folder = make_once(factory, name, lambda made: run(*words, made, cwd=project))
    return next(folder.glob("*.whl"))


def build_wheel(project, wheels):
    """Build the wheel of a project folder into another folder; its path."""
    before = set(wheels.glob("*.whl")) if wheels.exists() else set()
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", wheels, project)
    return next(path for path in wheels.glob("*.whl") if path not in before)


def make_environment(folder, wheels):
    """An environment with the wheels and what they need; the path of its interpreter."""
    venv.create(folder)  # pip comes from outside: to install it takes longer than all the rest
    python = folder / "bin" / "python"
    install(python, wheels)
    return python


def install(python, wheels, also=()):
    """Add wheels to an environment, other distributions by their names, and what they need."""
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "-q", "--no-index", "--no-deps", *wheels)
    site = next(python.parents[1].glob("lib/python*/site-packages"))
    names = [path.name.partition("-")[0] for path in wheels]
    for name in _needed([*names, *also], site):
        copy_distribution(name, site)


def copy_distribution(name, site):
    """Copy the files of an installed distribution."""
    found = importlib.metadata.distribution(name)
    for file in found.files or ():
        source = Path(str(found.locate_file(file)))
        if ".." not in file.parts and source.is_file():
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _needed(names, site):
    """Of some distributions and of what they need, those that are not in the environment."""
    there = {_plain(each.name) for each in importlib.metadata.distributions(path=[str(site)])}
    waiting, seen = list(map(_plain, names)), set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in _requirements(name, site if name in there else None):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(_plain(requirement.name))
    return sorted(seen - there)


def _requirements(name, site):
    """What a distribution needs: one of the environment, or else one of the tests' own."""
    where = {} if site is None else {"path": [str(site)]}
    return next(iter(importlib.metadata.distributions(name=name, **where))).requires or ()


def _plain(name):
    return name.replace("_", "-").lower()
