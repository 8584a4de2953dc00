"""The listings, as text and as JSON."""

import json

import pytest

from hookserve import Capabilities, WorkerType, hookimpl
from hookserve.cli import listings
from hookserve.launch.assembly import assemble, load_plugins


class Models:
    @hookimpl
    def worker_types(self):
        able = Capabilities(parallel=True, settings=frozenset({"threads"}))
        return [
            WorkerType("able", "hookserve.worker.base:Worker", "of a test", capabilities=able),
            WorkerType("gone", "nosuch.module:Worker", "of a test"),
        ]


@pytest.fixture
def host():
    host = load_plugins([], {})
    host.register(Models(), "models")
    return host


def test_workers_are_listed_with_fault_and_remedy(host):
    text = listings.workers(host, as_json=False, is_verbose=False)

    assert "able " in text
    assert "    remedy: " in text
    assert "concurrency" not in text


def test_capabilities_are_shown_on_demand(host):
    text = listings.workers(host, as_json=False, is_verbose=True)

    assert "    parallel: yes, bodies complete before the application runs: no" in text
    assert "    own settings: threads" in text
    assert "    applications: wsgi" in text


def test_workers_as_json_have_their_capabilities(host):
    rows = {row["name"]: row for row in json.loads(listings.workers(host, True, False))}

    assert rows["able"]["state"] == "ready"
    assert rows["able"]["capabilities"]["settings"] == ["threads"]
    assert rows["gone"]["state"] == "broken"
    assert rows["gone"]["fault"]


def test_plugins_are_listed_with_hooks_and_state():
    host = load_plugins(["-P", "no:tls"], {})
    rows = {row["name"]: row for row in json.loads(listings.plugins(host, True))}

    assert rows["tls"]["state"] == "blocked"
    assert "protocol_types" in rows["http"]["hooks"]
    assert "hookserve" not in rows
    assert "PLUGIN" in listings.plugins(host, False)
    assert "    imported in " not in listings.plugins(host, False)
    assert "    imported in " in listings.plugins(host, False, is_verbose=True)


def test_hooks_are_listed_with_their_plugins(host):
    text = listings.hooks(host, "worker_types", False)

    assert text.startswith("worker_types\n  1. models (")
    assert "sync (hookserve " in text
    assert listings.hooks(host, "on_exit", False) == "on_exit\n  no plugin"
    assert "1. models (no distribution)" in text
    assert json.loads(listings.hooks(host, "load_app", True)) == {
        "load_app": [{"plugin": "hookserve", "distribution": "the core", "order": "last"}]
    }


def test_a_configuration_is_listed_with_its_origins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assembly = assemble(["-w", "3", "app"], {})

    rows = listings.config(assembly, False).splitlines()
    objects = json.loads(listings.config(assembly, True))

    assert any(row.split() == ["workers", "3", "command", "line"] for row in rows)
    assert any(row.split() == ["preload_app", "false", "default"] for row in rows)
    assert objects["workers"] == {"value": 3, "origin": "command line"}
