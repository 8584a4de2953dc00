"""Turns alternate, and who is wrong takes no more of them."""

from contextlib import contextmanager
from types import SimpleNamespace

from benchmarks import cases, turns
from benchmarks.contenders import ASYNCIO, BJOERN, DAPHNE, EPOLL
from benchmarks.load import LoadError


def test_turns_alternate_and_the_last_one_counts():
    seen = []

    found = turns.alternate([EPOLL, BJOERN], 2, lambda who, last: seen.append((who.name, last)))

    assert seen == [
        ("hookserve epoll", False),
        ("bjoern", False),
        ("hookserve epoll", True),
        ("bjoern", True),
    ]
    assert {name: len(taken) for name, taken in found.items()} == {
        "hookserve epoll": 2,
        "bjoern": 2,
    }


def test_a_flaw_stands_in_the_place_of_the_turns_even_when_it_comes_late():
    seen = []

    def take(contender, is_last):
        seen.append(contender.name)
        if contender is BJOERN and seen.count("bjoern") == 2:
            raise LoadError("3 answers not 200")
        return contender.name

    found = turns.alternate([EPOLL, BJOERN], 3, take)

    assert found == {
        "hookserve epoll": ["hookserve epoll"] * 3,
        "bjoern": "wrong: 3 answers not 200",
    }
    assert seen.count("bjoern") == 2


def test_side_by_side_each_server_is_started_once_and_all_are_there_until_the_end(monkeypatch):
    events = []

    @contextmanager
    def running(contender, case, cpus):
        events.append(f"{contender.name} starts")
        yield SimpleNamespace(name=contender.name)
        events.append(f"{contender.name} ends")

    monkeypatch.setattr(turns.servers, "running", running)
    monkeypatch.setattr(turns, "prepare", lambda server, case: None)
    monkeypatch.setattr(
        turns, "observe", lambda server, *_, counted: events.append(f"{server.name} is loaded")
    )

    with turns.SideBySide(cases.ASGI, 1) as side_by_side:
        turns.alternate(
            [ASYNCIO, DAPHNE], 2, lambda who, last: side_by_side.take(who, counted=last)
        )

    loads = ["hookserve asyncio is loaded", "daphne is loaded"]
    assert events[:4] == ["hookserve asyncio starts", loads[0], "daphne starts", loads[1]]
    assert events[4:6] == loads
    assert sorted(events[6:]) == ["daphne ends", "hookserve asyncio ends"]
