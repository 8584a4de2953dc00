"""The figures as pictures, each as SVG and as PNG; the same figures give the same SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from benchmarks.figures import CaseRows, Figures
from benchmarks.report import Row

OURS, OTHERS, FLOOR, INK, AIM = "#1f6fb4", "#b7bec8", "#e3e6ea", "#2b3440", "#c2571a"
SHOWN = ("hello-browser", "fresh", "response-10k", "post-100k", "post-chunked", "flask")
"""The cases of the second picture."""
CONNECTIONS = ("hello-browser", "connections-1000", "connections-5000")
MARKS = (5, 10, 20, 50, 100, 200, 500)
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#c8cdd4",
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "hookserve",
    "figure.constrained_layout.use": True,
}


def draw(figures: Figures, directory: Path) -> None:
    """All pictures, into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Callable[[Figures], Figure]] = {
        "budgets": budgets,
        "cases": cases,
        "connections": connections,
    }
    with mpl.rc_context(_STYLE):
        for name, picture in pictures.items():
            figure = picture(figures)
            figure.savefig(directory / f"{name}.svg", metadata={"Date": None})
            figure.savefig(directory / f"{name}.png", dpi=110, metadata={"Software": None})


def budgets(figures: Figures) -> Figure:
    """Each ratio that has a budget, beside its budget and its aim."""
    found = [(each, each.budget) for each in figures.comparisons if each.budget]
    figure = Figure(figsize=(8.4, 0.44 * len(found) + 1.2))
    axes = figure.subplots()
    ends = []
    for place, (each, budget) in enumerate(found):
        axes.barh(place, each.ratio.value, height=0.56, color=OURS)
        axes.plot([each.ratio.low, each.ratio.high], [place, place], color=INK, linewidth=1)
        for mark, line in ((budget.at_most, "-"), (budget.aim, ":")):
            if mark is not None:
                axes.plot(
                    [mark, mark], [place - 0.4, place + 0.4], color=AIM, linestyle=line, linewidth=2
                )
        ends.append(max(each.ratio.high, budget.at_most))
        axes.text(ends[-1] + 0.02, place, f"{each.ratio.value:.2f}", va="center", weight="bold")
    axes.set_yticks(
        range(len(found)), [f"{_what(each.name)}{each.ours}, to {each.theirs}" for each, _ in found]
    )
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.axvline(1.0, color=INK, linewidth=0.8, zorder=0)
    axes.set_xlim(0, max(ends, default=1.0) + 0.2)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1: the peer"])
    axes.set_xlabel("hookserve in relation to its peer (less is better)")
    for line, label in (("-", "budget"), (":", "aim")):
        axes.plot([], [], color=AIM, linestyle=line, linewidth=2, label=label)
    figure.legend(loc="outside upper right", frameon=False, ncols=2)
    return figure


def cases(figures: Figures) -> Figure:
    """CPU per request of each server, a panel for each case."""
    by_name = {each.name: each for each in figures.cases}
    shown = [by_name[name] for name in SHOWN if name in by_name]
    most = max((len(_right(each)) for each in shown), default=1)
    figure = Figure(figsize=(9.6, 0.48 * most + 1.2))
    panels = figure.subplots(2, 3).flat
    for axes, case in zip(panels, shown, strict=False):
        _bars(axes, case, most)
    figure.supxlabel("microseconds of CPU for each request, user and system, all processes", size=9)
    return figure


def connections(figures: Figures) -> Figure:
    """What a request costs beside ever more connections."""
    by_name = {each.name: each for each in figures.cases}
    shown = [by_name[name] for name in CONNECTIONS if name in by_name]
    lines: dict[str, list[tuple[int, float]]] = {}
    for case in shown:
        for row in _right(case):
            lines.setdefault(row.name, []).append((case.connections, row.cpu))
    figure = Figure(figsize=(8.4, 4.6))
    axes = figure.subplots()
    ends = []
    for name, points in lines.items():
        if len(points) > 1:
            color, width = (OURS, 2.4) if _is_ours(name) else ("#8d96a3", 1.4)
            axes.plot(
                *zip(*points, strict=True), color=color, linewidth=width, marker="o", markersize=4
            )
            ends.append((points[-1], name, color))
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="connections, all busy",
        ylabel="microseconds of CPU for each request",
    )
    for (x, y), name, color, label in _apart(ends):
        axes.annotate(name, (x, y), (x * 1.12, label), va="center", color=color)
    counts = [case.connections for case in shown]
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.set_yticks(MARKS, map(str, MARKS))
    axes.set_ylim(MARKS[0], MARKS[-1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    return figure


def _bars(axes: Axes, case: CaseRows, places: int) -> None:
    rows = sorted(_right(case), key=lambda row: row.cpu)
    widest = max(row.cpu for row in rows)
    for place, row in enumerate(rows):
        color = OURS if _is_ours(row.name) else FLOOR if row.name == "nginx" else OTHERS
        axes.barh(place, row.cpu, height=0.7, color=color)
        axes.text(row.cpu + widest * 0.02, place, _short(row.cpu), va="center", size=8)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], size=8)
    for label in axes.get_yticklabels():
        if _is_ours(label.get_text()):
            label.set(color=OURS, weight="bold")
    axes.set_ylim(places - 0.4, -0.6)
    axes.set_xlim(0, widest * 1.18)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    axes.spines["bottom"].set_visible(False)
    axes.set_title(case.title)


def _apart(
    ends: Sequence[tuple[tuple[int, float], str, str]],
) -> list[tuple[tuple[int, float], str, str, float]]:
    """The ends of the lines with a height for each label, so far apart that all can be read."""
    placed = []
    lowest = 0.0
    for (x, y), name, color in sorted(ends, key=lambda end: end[0][1]):
        lowest = max(y, lowest * 1.19)
        placed.append(((x, y), name, color, lowest))
    return placed


def _right(case: CaseRows) -> list[Row]:
    return [row for row in case.rows if not row.flaw]


def _is_ours(name: str) -> bool:
    return name.startswith("hookserve")


def _what(name: str) -> str:
    return f"{name}: " if name in ("memory", "start") else ""


def _short(figure: float) -> str:
    return f"{figure:.1f}" if figure < 100 else f"{figure:.0f}"
