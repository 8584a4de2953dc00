"""A start in the background."""

import os

import pytest
from support.starting import SERVES_ON, assembly_of, run

from hookserve.arbiter.handover import Handover, Start
from hookserve.errors import AppNotFound, BootError, ConfigError, ListenError
from hookserve.launch import daemon
from hookserve.launch.start import serve


@pytest.fixture
def reports(monkeypatch):
    """What a daemon reports, and how it was made."""
    found = []

    class Report:
        def descriptors(self):
            return []

        def report(self, code, message):
            found.append((code, message))

    def daemonize(keep):
        found.append(keep)
        return Report()

    monkeypatch.setattr(daemon, "daemonize", daemonize)
    return found


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BootError("no worker can boot"), 3, "no worker can boot"),
        (AppNotFound("no application"), 4, "no application"),
        (ListenError("the port is in use"), 1, "the port is in use"),
        (MemoryError(), 1, "MemoryError at "),
        (ValueError("a fault\nof ours"), 1, "ValueError: a fault of ours at "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_daemon_that_cannot_start_reports_why(life, reports, error, code, message):
    life.errors["run"] = error

    with pytest.raises(type(error)):
        run(life, daemon=True)

    assert reports[0] is False
    assert reports[1][0] == code
    assert reports[1][1].startswith(message)


def test_a_daemon_is_made_before_anything_is_opened_and_warnings_are_seen(life, reports, capsys):
    made = assembly_of(life, daemon=True, enable_stdio_inheritance=True)
    made = made._replace(warnings=("be careful",))
    life.errors["install_logs"] = ConfigError("a mistake")

    with pytest.raises(ConfigError):
        serve(made, lambda: made, Start(os.getcwd(), {}), Handover())

    assert reports == [True, (1, "a mistake")]
    assert capsys.readouterr().err == "hookserve: warning: be careful\n"


def test_an_arbiter_that_comes_after_another_is_in_the_background_already(life, reports, restored):

    run(life, SERVES_ON, daemon=True)

    assert reports == []
