"""The wheels that the project publishes, in an environment that has nothing else."""

import json
import re
import sys

import pytest
from support.clean_environment import ROOT, make_environment, run, wheel_of
from support.models import MODELS

from hookserve.testing import serve
from hookserve.testing.contract.client import ask

SEPARATE = ("eventlet", "gevent", "tornado")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    projects = (ROOT, *(ROOT / "plugins" / name for name in SEPARATE))
    return [wheel_of(project, tmp_path_factory) for project in projects]


@pytest.fixture(scope="module")
def python(wheels, tmp_path_factory):
    return make_environment(tmp_path_factory.mktemp("published") / "venv", wheels)


def listed(python):
    rows = json.loads(run(python, "-m", "hookserve", "--list-workers", "--json", cwd="/"))
    return {row["name"]: row for row in rows}


def test_every_model_is_ready(python):
    rows = listed(python)

    assert {name: row["state"] for name, row in rows.items()} == dict.fromkeys(MODELS, "ready")
    for name in MODELS:
        expected = f"hookserve-{name}" if name in SEPARATE else "hookserve"
        assert rows[name]["distribution"] == expected


@pytest.mark.parametrize("name", MODELS)
def test_each_worker_serves(python, tmp_path, name):
    (tmp_path / "app.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [])\n    return [b'from a wheel']\n"
    )
    with serve("app", worker=name, chdir=tmp_path, python=str(python)) as server:
        assert ask(server.address).text == "from a wheel"


def test_what_is_not_installed_is_shown_missing_with_the_command(wheels, tmp_path):
    core = [path for path in wheels if path.name.startswith("hookserve-")]
    python = make_environment(tmp_path / "venv", core)

    rows = listed(python)
    shown = run(python, "-m", "hookserve", "--list-workers", cwd="/")

    for name in SEPARATE:
        assert rows[name]["state"] == "missing"
        assert rows[name]["remedy"] == f"pip install hookserve-{name}"
        assert re.search(rf"^{name} +missing ", shown, re.MULTILINE)
    assert {rows[name]["state"] for name in MODELS if name not in SEPARATE} == {"ready"}


def test_a_plugin_without_its_library_is_shown_missing_with_the_command(wheels, tmp_path):
    python = make_environment(tmp_path / "venv", wheels)
    run(sys.executable, "-m", "pip", "--python", python, "uninstall", "-q", "-y", "gevent")

    row = listed(python)["gevent"]

    assert (row["state"], row["distribution"]) == ("missing", "hookserve-gevent")
    assert re.fullmatch(r"pip install 'gevent>=[\d.]+'", row["remedy"])
