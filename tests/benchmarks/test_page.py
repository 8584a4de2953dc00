"""The page, from figures to text."""

from dataclasses import replace

import pytest

from benchmarks import figures, page
from benchmarks.report import Ratio, Row
from benchmarks.verdicts import Budget

GOOD = Row("hookserve epoll", cpu=15.44, user=10.0, system=5.44, rate=60000.0, calls=2.0)
BAD = Row("bjoern", flaw="wrong: answers 500")
CASE = figures.CaseRows("hello-bare", "hello, a bare head", 64, 3, 1, [GOOD, BAD])
OVER = figures.Comparison(
    "memory",
    "PSS",
    "MiB",
    "hookserve sync",
    "gunicorn sync",
    21.7,
    22.3,
    Ratio(0.97, 0.91, 0.98),
    Budget(0.6),
)


@pytest.fixture
def found():
    return figures.Figures(
        {"Python": "CPython 3"}, {"gunicorn": "27"}, {"pyuwsgi": "no compiler"}, [OVER], [], [CASE]
    )


def test_the_text_between_the_marks_is_replaced_and_nothing_else():
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"

    once = page.between(text, "new\n")

    assert once == f"before\n{page.BEGIN}\n\nnew\n\n{page.END}\nafter\n"
    assert page.between(once, "new\n") == once
    with pytest.raises(ValueError, match="marks"):
        page.between("without", "new")


def test_the_page_of_this_checkout_has_its_marks():
    assert page.between(page.PAGE.read_text(), "new")


def test_a_row_that_is_over_its_budget_stands_out(found):
    text = page.budgets(found)

    assert "| sync | gunicorn sync | 21.7 MiB | 22.3 MiB | **0.970** |" in text
    assert "**over budget**" in text


def test_what_is_wrong_is_neither_fast_nor_silent(found):
    text = page.overview(found.cases)

    assert "| hello, a bare head | 15.4 | wrong |" in text
    assert "* bjoern, hello, a bare head: wrong: answers 500" in text


def test_what_is_missing_is_said(found):
    text = page.render(found)

    assert "pyuwsgi is not installable here: no compiler" in text
    assert "instructions are not counted here" in text
    assert "system calls are not counted here" not in text


def test_a_heading_says_who_took_part_in_a_pair_and_how_many_connections_there_were(found):
    pair, many = found.cases[0], [*found.cases[0].rows, GOOD]

    assert pair.heading.startswith("hookserve epoll beside bjoern, hello, a bare head, 64 conn")
    assert replace(pair, rows=many).heading == "hello, a bare head, 64 connections, 3 turns of 1 s"
    assert replace(pair, title="64 connections", rows=many).heading.count("connections") == 1


def test_figures_that_were_kept_are_the_same(found, tmp_path):
    found.save(tmp_path / "bench.json")

    assert figures.load(tmp_path / "bench.json") == found


def test_the_pictures_are_drawn_alike(found, tmp_path):
    pytest.importorskip("matplotlib", reason="make bench installs it")
    from benchmarks import plots

    plots.draw(found, tmp_path / "one")
    plots.draw(found, tmp_path / "two")

    for picture in (tmp_path / "one").glob("*.svg"):
        assert picture.read_bytes() == (tmp_path / "two" / picture.name).read_bytes()
