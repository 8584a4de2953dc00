"""How the watching process waits."""

import logging
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from hookserve_reload import waiting
from hookserve_reload.waiting import Notices, Polling, waiting_by


@pytest.fixture
def watchfiles(monkeypatch):
    """watchfiles, of which a test says what it does."""
    module = SimpleNamespace(calls=[])
    monkeypatch.setitem(sys.modules, "watchfiles", module)
    monkeypatch.setattr(waiting, "POLL_INTERVAL", 0.01)

    def watch(*directories, **options):
        module.calls.append(directories)
        yield from iter(lambda: set(), None)

    module.watch = watch
    return module


def test_the_engine_decides(monkeypatch):
    monkeypatch.setattr(waiting, "has_watchfiles", lambda: True)
    assert isinstance(waiting_by("auto"), Notices)
    assert isinstance(waiting_by("watchfiles"), Notices)
    assert isinstance(waiting_by("poll"), Polling)

    monkeypatch.setattr(waiting, "has_watchfiles", lambda: False)
    assert isinstance(waiting_by("auto"), Polling)


def test_watchfiles_is_asked_again_when_there_are_other_directories(watchfiles):
    notices = Notices()
    for directories in ({"/b", "/a"}, {"/a", "/b"}, {"/a"}):
        notices.wait(lambda found=directories: found)

    assert watchfiles.calls == [("/a", "/b"), ("/a",)]


def test_when_watchfiles_fails_files_are_polled_and_it_is_said_once(watchfiles, caplog):
    def watch(*directories, **options):
        watchfiles.calls.append(directories)
        raise OSError("no space left")
        yield

    watchfiles.watch = watch
    notices = Notices()
    with caplog.at_level(logging.WARNING, "hookserve"):
        for _ in range(3):
            notices.wait(lambda: {"/a"})

    assert len(watchfiles.calls) == 1
    assert caplog.messages == [
        "watchfiles has failed: no space left (files are looked at every second instead)"
    ]


def test_a_saved_file_ends_the_wait(tmp_path, monkeypatch):
    pytest.importorskip("watchfiles")
    monkeypatch.setattr(waiting, "POLL_INTERVAL", 20.0)
    (tmp_path / "a.py").write_text("")
    done = threading.Event()

    def save_until_noticed():
        while not done.wait(0.05):
            (tmp_path / "a.py").write_text("saved")

    thread = threading.Thread(target=save_until_noticed)
    thread.start()
    began = time.monotonic()
    try:
        Notices().wait(lambda: {str(tmp_path)})
    finally:
        done.set()
        thread.join()

    assert time.monotonic() - began < 20


def test_a_poll_waits(monkeypatch):
    monkeypatch.setattr(waiting, "POLL_INTERVAL", 0.01)
    began = time.monotonic()

    Polling().wait(pytest.fail)

    assert time.monotonic() - began >= 0.01
