"""Turns alternate, and who is wrong takes no more of them."""

from benchmarks import turns
from benchmarks.contenders import BJOERN, EPOLL
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
