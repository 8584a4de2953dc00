"""The watching process, in the test's own."""

import itertools
import logging
import os
import signal

import pytest
from hookserve_reload import watching
from hookserve_reload.loaded import stamp_of
from hookserve_reload.watched import Watched
from hookserve_reload.watching import Requests, watch


class Stop(Exception):
    pass


class Script:
    """Waiting that does something to the files instead, and ends the loop after the last."""

    def __init__(self, *steps):
        self._steps = list(steps)

    def wait(self, directories):
        if not self._steps:
            raise Stop
        self._steps.pop(0)()


class Reports:
    """What the workers have reported: nothing at first."""

    def __init__(self, *reports):
        self._reports = [{}, *reports]

    def read(self):
        return self._reports.pop(0) if self._reports else {}


@pytest.fixture
def requests_of(tmp_path, monkeypatch):
    """The requests for a reload, when the steps are done while the process waits."""
    monkeypatch.setattr(watching, "_QUIET", 0.0)
    monkeypatch.setattr(watching, "_UNTIL_REPORTED", 0.0)
    app = tmp_path / "app.py"
    app.write_text("")

    def requests_of(*steps, settling=()):
        found = []
        watched = Watched([])
        pending = iter(settling)
        monkeypatch.setattr(watching.time, "sleep", lambda _: next(pending, lambda: None)())
        reports = Reports({str(app): stamp_of(str(app))})
        with pytest.raises(Stop):
            watch(watched, reports, Script(*steps), found.append)
        return [[os.path.relpath(path, tmp_path) for path in each] for each in found]

    return requests_of


def save(path, text="saved"):
    return lambda: path.write_text(text)


def test_nothing_is_asked_for_while_nothing_changes(requests_of):
    assert requests_of(lambda: None, lambda: None) == []


def test_a_save_is_a_request(requests_of, tmp_path):
    assert requests_of(save(tmp_path / "app.py"), lambda: None) == [["app.py"]]


def test_many_saves_in_a_burst_are_one_request(requests_of, tmp_path):
    app = tmp_path / "app.py"
    more = [save(app, "2"), save(app, "33"), save(app, "444")]

    assert requests_of(save(app), settling=[lambda: None, *more]) == [["app.py"]]


def test_saving_without_end_does_not_put_the_request_off_without_end(requests_of, tmp_path):
    app = tmp_path / "app.py"
    more = (save(app, "x" * number) for number in itertools.count())
    settling = itertools.chain([lambda: None], more)

    assert requests_of(save(app), settling=settling) == [["app.py"]]


def test_a_file_that_an_editor_replaces_is_one_request(requests_of, tmp_path):
    app = tmp_path / "app.py"

    assert requests_of(app.unlink, settling=[lambda: None, save(app)]) == [["app.py"]]


def test_a_module_that_was_missing_is_a_request_once_it_is_there(requests_of, tmp_path):
    missing = tmp_path / "missing.py"
    before = requests_of(save(missing))
    missing.unlink()

    found = requests_of(save(tmp_path / "app.py", "import missing"), save(missing))

    assert (before, found) == ([], [["app.py"], ["missing.py"]])


@pytest.fixture
def signals(monkeypatch):
    sent = []
    monkeypatch.setattr(watching.os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def test_a_request_is_a_hup_and_a_line(tmp_path, monkeypatch, caplog, signals):
    monkeypatch.chdir(tmp_path)
    changed = [str(tmp_path / "shop" / f"{name}.py") for name in "abcde"]
    with caplog.at_level(logging.INFO, "hookserve"):
        Requests(os.getppid(), [])(changed)

    assert signals == [(os.getppid(), signal.SIGHUP)]
    assert caplog.messages == [
        "shop/a.py, shop/b.py, shop/c.py and 2 more changed: asking for a reload"
    ]


def test_an_arbiter_that_is_gone_gets_no_signal(signals):
    Requests(os.getpid(), [])(["/a.py"])

    assert signals == []


def test_what_the_arbiter_has_imported_itself_takes_another_start(caplog, signals):
    Requests(os.getppid(), ["/shop/settings.py"])(["/shop/a.py", "/shop/settings.py"])

    assert caplog.messages == [
        "/shop/settings.py: the arbiter has imported it, a reload does not change that"
        " (start again)"
    ]
    assert len(signals) == 1
