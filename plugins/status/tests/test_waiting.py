"""What a command with --wait waits for, and what ends the wait."""

import os
import subprocess
import sys

import pytest
from hookserve_status import waiting
from hookserve_status.client import Refused, Unreachable
from hookserve_status.waiting import Waiting


class Client:
    """Answers in this order; the last answer is repeated."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def snapshot(self):
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Exception):
            raise found
        return {"is_draining": False, **found}


HERE = {"pid": os.getpid()}
SILENT = Unreachable("no server responds")


def wait(*answers, limit=0.3):
    return Waiting(Client(HERE, *answers), limit).wait(
        lambda snapshot: snapshot.get("reloads"), "the reload is still under way"
    )


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(waiting, "_PAUSE", 0.001)


def test_the_first_look_that_finds_something_ends_the_wait():
    assert wait(HERE, SILENT, {**HERE, "reloads": [3]}) == [3]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (HERE, r"^the reload is still under way after 0.3 s$"),
        ({**HERE, "is_draining": True}, "^the server stops$"),
        (
            {"pid": 1, "reloads": [3]},
            r"^the server .* is gone, and another is there \(pid 1\)$",
        ),
    ],
)
def test_what_will_not_be_is_refused(answer, message):
    with pytest.raises(Refused, match=message):
        wait(HERE, answer)


def test_a_server_whose_process_is_there_may_be_silent_until_the_time_is_over(monkeypatch):
    monkeypatch.setattr(waiting, "_GONE_AFTER", 0.01)
    with pytest.raises(Unreachable, match="no server responds"):
        wait(HERE, SILENT)


@pytest.mark.process
def test_a_server_whose_process_is_gone_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(waiting, "_GONE_AFTER", 0.01)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        gone = {"pid": process.pid}

    with pytest.raises(Refused, match=r"^the server \(pid \d+\) is gone: no server responds$"):
        Waiting(Client(gone, SILENT), 60.0).wait(lambda _: None, "")


@pytest.mark.parametrize("end", [SILENT, {"pid": 1}])
def test_the_end_of_a_server_is_its_silence_or_another_one(end):
    Waiting(Client(HERE, HERE, end), 60.0).wait_for_end()


def test_the_end_of_a_server_is_waited_for_as_long_as_it_may_last():
    with pytest.raises(Refused, match=r"^the server is not gone after 0.01 s$"):
        Waiting(Client(HERE), 0.01).wait_for_end()
