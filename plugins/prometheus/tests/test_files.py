"""The dashboard and the alerts ask for metrics that there are."""

import json
import re
import shutil
import subprocess
from importlib import resources

import pytest
import yaml
from hookserve_status.metrics import make_registry

from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import Scoreboard

FILES = resources.files("hookserve_prometheus").joinpath("files")
NAME = re.compile(r"\b(?:hookserve|http_server)_[a-z_]+")


def expressions():
    rules = yaml.safe_load(FILES.joinpath("alerts.yml").read_text())["groups"][0]["rules"]
    panels = json.loads(FILES.joinpath("dashboard.json").read_text())["panels"]
    yield from (rule["expr"] for rule in rules)
    yield from (target["expr"] for panel in panels for target in panel["targets"])


def test_each_metric_in_the_files_exists():
    reading = Reader([Scoreboard(1, 1)]).read()
    text = make_registry("sync", reading, (), (), {}, 0.0, ()).render()
    kinds = dict(re.findall("^# TYPE (\\S+) (\\S+)$", text, re.M))
    names = {name for name, kind in kinds.items() if kind == "gauge"}
    names |= {f"{name}_total" for name, kind in kinds.items() if kind == "counter"}
    names |= {
        f"{name}_{part}"
        for name, kind in kinds.items()
        if kind == "histogram"
        for part in ("bucket", "count", "sum")
    }

    used = {name for each in expressions() for name in NAME.findall(each)}

    assert len(used) > 10
    assert used <= names


@pytest.mark.process
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_the_rules_valid():
    done = subprocess.run(
        ["promtool", "check", "rules", str(FILES / "alerts.yml")], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
