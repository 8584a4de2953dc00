"""A fresh virtual environment with wheels in it, made without a package index.

What the wheels depend on is copied, file by file, from the environment that the tests run in.
"""

import importlib.metadata
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def run(*command, **options):
    """Run to the end; the standard output."""
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build_wheel(project, wheels):
    """Build the wheel of a project folder into another folder; its path."""
    before = set(wheels.glob("*.whl")) if wheels.exists() else set()
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", wheels, project)
    return next(path for path in wheels.glob("*.whl") if path not in before)


def make_environment(folder, wheels):
    """An environment with the wheels and what they need; the path of its interpreter."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", *wheels)
    site = next((folder / "lib").glob("python*/site-packages"))
    has = {path.name.partition("-")[0].replace("_", "-").lower() for path in wheels}
    for name in _needed(has):
        copy_distribution(name, site)
    return python


def copy_distribution(name, site):
    """Copy the files of an installed distribution."""
    found = importlib.metadata.distribution(name)
    for file in found.files or ():
        source = Path(str(found.locate_file(file)))
        if ".." not in file.parts and source.is_file():
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _needed(has):
    """The distributions that others need, and those that these need, without `has`."""
    waiting, found = sorted(has), []
    while waiting:
        for line in importlib.metadata.requires(waiting.pop()) or ():
            requirement = Requirement(line)
            name = requirement.name.replace("_", "-").lower()
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and name not in has and name not in found:
                found.append(name)
                waiting.append(name)
    return found
