"""The command fails when a row has lost, and names it."""

import pytest

from benchmarks import baseline, quick


@pytest.fixture
def watched(monkeypatch, tmp_path):
    """The command over two rows whose ratios the test gives."""
    ratios = {}
    monkeypatch.setattr(quick, "BASELINE", tmp_path / "baseline.json")
    monkeypatch.setattr(quick.Quick, "_ratio", lambda self, name, is_again: ratios[name])
    baseline.write(quick.BASELINE, {"epoll": 0.8, "sync": 0.2}, {})
    return quick.Quick({}), ratios


def test_what_holds_passes(watched, capsys):
    command, ratios = watched
    ratios |= {"epoll": 0.9, "sync": 0.1}

    assert command.compare(["epoll", "sync"]) == 0
    assert not capsys.readouterr().err


def test_what_has_lost_fails_by_name(watched, capsys):
    command, ratios = watched
    ratios |= {"epoll": 0.93, "sync": 0.2}

    assert command.compare(["epoll", "sync"]) == 1
    assert "lost: epoll" in capsys.readouterr().err


@pytest.mark.process
def test_recording_one_row_leaves_the_others(watched):
    command, ratios = watched
    ratios |= {"sync": 0.3}

    assert command.record(["sync"]) == 0
    assert baseline.read(quick.BASELINE) == {"epoll": 0.8, "sync": 0.3}
