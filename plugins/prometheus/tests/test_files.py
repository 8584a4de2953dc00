"""The dashboard and the alerts ask for metrics that there are."""

import json
import re
import shutil
import subprocess
from importlib import resources

import pytest
import yaml
from hookserve_memory.published import FIELDS
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
    reading = Reader([Scoreboard(1, 1, fields=FIELDS)]).read()
    text = make_registry("sync", reading, FIELDS, (), {}, 0.0, ()).render()
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


@pytest.fixture
def promtool(tmp_path):
    """A function that runs it there; it must have nothing to say against."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")

    def run(*words):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.mark.process
def test_promtool_finds_the_rules_valid(promtool):
    promtool("check", "rules", str(FILES / "alerts.yml"))


ALERTS = {
    "HookserveSaturated": {
        "http_server_active_requests": "22x30",
        "hookserve_requests_draining": "3x30",
        "hookserve_requests_capacity": "20x30",
    },
    "HookserveQueue": {'hookserve_listener_queue{server_address="a"}': "3x30"},
    "HookserveServerErrors": {
        'hookserve_requests_errors_total{error_origin="server"}': "0+60x30",
        "http_server_request_duration_seconds_count": "0+600x30",
    },
    "HookserveRefused": {
        "hookserve_requests_saturated_total": "0+60x30",
        "http_server_request_duration_seconds_count": "0+600x30",
    },
    "HookserveRequestsLost": {"hookserve_requests_lost_total": "0+1x30"},
    "HookserveSlow": {
        'http_server_request_duration_seconds_bucket{le="2.5"}': "0+90x30",
        'http_server_request_duration_seconds_bucket{le="5.0"}': "0+100x30",
        'http_server_request_duration_seconds_bucket{le="+Inf"}': "0+100x30",
    },
    "HookserveWorkersMissing": {
        "hookserve_workers_wanted": "4x30",
        'hookserve_workers{worker_state="ready"}': "3x30",
        'hookserve_workers{worker_state="booting"}': "1x30",
    },
    "HookserveWorkersLost": {
        'hookserve_worker_exits_total{exit_kind="timed out"}': "0+1x30",
        'hookserve_worker_exits_total{exit_kind="recycled"}': "0+9x30",
    },
    "HookserveRequestStuck": {
        'hookserve_worker_oldest_request_seconds{worker="0"}': "0+60x30",
        'hookserve_worker_capacity{worker="0"}': "4x30",
        'hookserve_worker_oldest_request_seconds{worker="1"}': "0+60x30",
        'hookserve_worker_capacity{worker="1"}': "1000x30",
    },
    "HookserveMemoryLimit": {'hookserve_worker_kept_over_memory_limit{worker="0"}': "1x30"},
    "HookserveReloadFailed": {"hookserve_last_reload_failed": "1x30"},
    "HookserveCertificateExpires": {'hookserve_certificate_expiry_seconds{file="c"}': "3600x30"},
}
"""What each alert is about, a sample a minute, as promtool writes series."""


def firing(name):
    """A test of promtool's: of all alerts this one alone fires after 25 minutes."""
    series = [{"series": each, "values": values} for each, values in ALERTS[name].items()]
    query = f'count(ALERTS{{alertstate="firing", alertname="{name}"}}) and count(ALERTS) == 1'
    return {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {"expr": query, "eval_time": "25m", "exp_samples": [{"labels": "{}", "value": 1}]}
        ],
    }


def test_each_alert_has_its_series():
    rules = yaml.safe_load(FILES.joinpath("alerts.yml").read_text())["groups"][0]["rules"]

    assert {rule["alert"] for rule in rules} == set(ALERTS)


@pytest.mark.process
def test_each_alert_fires_for_what_it_is_about_and_no_other(promtool, tmp_path):
    rules = str(FILES / "alerts.yml")
    tests = {"rule_files": [rules], "evaluation_interval": "1m", "tests": [*map(firing, ALERTS)]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))

    promtool("test", "rules", "tests.yml")
