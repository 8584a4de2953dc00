"""The page about performance: what a run found, between two marks; the prose around is kept.

``python -m benchmarks.page FILE`` lays out the figures of an earlier run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import figures as kept
from benchmarks.environments import ROOT
from benchmarks.figures import CaseRows, Figures
from benchmarks.report import Row, grid

PAGE = ROOT / "docs" / "explanation" / "performance.md"
IMAGES = PAGE.parent / "images"
BEGIN, END = "<!-- what follows is written by make bench -->", "<!-- until here -->"


def write(figures: Figures) -> None:
    """The page and its pictures."""
    from benchmarks import plots

    plots.draw(figures, IMAGES)
    PAGE.write_text(between(PAGE.read_text(), render(figures)))


def between(page: str, text: str) -> str:
    """A page with this text between its marks; raises ValueError when it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has lost its marks")
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def render(figures: Figures) -> str:
    """What a run found, as Markdown."""
    parts = [
        "## The budgets",
        budgets(figures),
        "![Each ratio beside its budget](images/budgets.svg)",
        "## CPU for each request",
        overview(figures.cases),
        "![CPU for each request in six cases](images/cases.svg)",
        "![CPU for each request beside ever more connections](images/connections.svg)",
        "## Everything that was measured",
        *(details(each) for each in (*figures.pairs, *figures.cases)),
        "## With what",
        surroundings(figures),
    ]
    return "\n\n".join(parts) + "\n"


def budgets(figures: Figures) -> str:
    """The rows that have a budget, and their verdicts."""
    lines = [
        [
            "what",
            "hookserve",
            "peer",
            "ours",
            "theirs",
            "ratio",
            "of the rounds",
            "at most",
            "aim",
            "verdict",
        ]
    ]
    for each in figures.comparisons:
        if each.budget is None:
            continue
        aim = "" if each.budget.aim is None else f"{each.budget.aim:.2f}"
        verdict = f"**{each.verdict}**" if each.verdict.startswith("over") else each.verdict
        rounds = f"{each.ratio.low:.3f} to {each.ratio.high:.3f}"
        lines.append(
            [
                each.what,
                each.ours.removeprefix("hookserve "),
                each.theirs,
                f"{each.our_figure:.1f} {each.unit}",
                f"{each.their_figure:.1f} {each.unit}",
                f"**{each.ratio.value:.3f}**",
                rounds,
                f"{each.budget.at_most:.2f}",
                aim,
                verdict,
            ]
        )
    return markdown(lines, texts=3)


def overview(cases: Sequence[CaseRows]) -> str:
    """Microseconds of CPU, a line for each case, a column for each server."""
    names = list(dict.fromkeys(row.name for case in cases for row in case.rows))
    names.sort(key=lambda name: (not name.startswith("hookserve"), name == "nginx"))
    lines = [["case", *(name.removeprefix("hookserve ") for name in names)]]
    for case in cases:
        by_name = {row.name: row for row in case.rows}
        lines.append([case.title, *(_cell(by_name.get(name)) for name in names)])
    lines[0][1:] = [
        f"**{head}**" if name.startswith("hookserve") else head
        for name, head in zip(names, lines[0][1:], strict=True)
    ]
    untimed = [
        f"* {row.name}, {case.title}: {row.flaw}" for case in cases for row in case.rows if row.flaw
    ]
    text = "Microseconds, user and system, of all processes of the server; hookserve's in bold.\n\n"
    text += markdown(lines)
    return text + ("\n\nNot timed:\n\n" + "\n".join(untimed) if untimed else "")


def details(case: CaseRows) -> str:
    """All that was seen of a case, folded away."""
    lines = grid(case.rows)
    untimed = [f"{row.name}: {row.flaw}." for row in case.rows if row.flaw]
    body = "\n\n".join([markdown(lines), *untimed])
    return f"<details><summary>{case.heading}</summary>\n\n{body}\n\n</details>"


def surroundings(figures: Figures) -> str:
    """The machine, and the versions of everything."""
    lines = [f"{name}: {value}" for name, value in figures.machine.items()]
    lines += [f"{name} is not installable here: {why}" for name, why in figures.missing.items()]
    rows = [row for case in (*figures.pairs, *figures.cases) for row in case.rows]
    if all(row.calls is None for row in rows):
        lines.append("system calls are not counted here: there is no strace")
    if all(row.instructions is None for row in rows):
        lines.append("instructions are not counted here: perf stat says that it cannot")
    versions = ", ".join(f"{name} {version}" for name, version in figures.versions.items())
    return "\n".join(f"* {line}" for line in [*lines, f"installed: {versions}"])


def markdown(lines: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A table; the columns after the first ``texts`` are numbers."""
    head, *rest = lines
    rule = ["---"] * texts + ["--:"] * (len(head) - texts)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rest))


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.flaw:
        return "wrong" if row.flaw.startswith("wrong") else "absent"
    return f"{row.cpu:.1f}" if row.cpu < 100 else f"{row.cpu:.0f}"


if __name__ == "__main__":
    write(kept.load(Path(sys.argv[1])))
