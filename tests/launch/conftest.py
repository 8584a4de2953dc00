"""A start without a loop, a terminal or a patch."""

import logging

import pytest
from support.folders import enter
from support.starting import Life
from support.zebra import install_zebra

from hookserve.arbiter.arbiter import Arbiter
from hookserve.launch import start


@pytest.fixture
def life(monkeypatch):
    """The plugin of the test; the arbiter's loop calls its `record`."""
    made = Life()
    monkeypatch.setattr(Arbiter, "run", lambda arbiter: made.record("run"))
    monkeypatch.setattr(start, "allow_descriptors", lambda _: "")
    monkeypatch.setattr(start, "set_title", lambda *title: made.titles.append(title))
    return made


@pytest.fixture
def restored(monkeypatch):
    """What workers are restored with; nothing else is done with it."""
    found = []
    monkeypatch.setattr(
        "hookserve.arbiter.restore.restore_workers", lambda *arguments: found.append(arguments)
    )
    return found


@pytest.fixture
def log(caplog):
    """What the server's log has."""
    caplog.set_level(logging.INFO, "hookserve")
    return caplog


@pytest.fixture
def patches(monkeypatch):
    """The names of the worker models that were to patch."""
    found = []
    monkeypatch.setattr(start.child, "patch", lambda worker_type: found.append(worker_type.name))
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory that is on the path; modules are forgotten afterwards."""
    yield from enter(tmp_path, monkeypatch)


@pytest.fixture
def zebra(folder):
    """A plugin that names its settings is installed."""
    install_zebra(folder)
    return folder
