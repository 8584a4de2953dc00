"""What is measured, in alternating turns: pairs, a start, a case with all its servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks import answers, servers, turns
from benchmarks.accounting import memory_of
from benchmarks.cases import Case
from benchmarks.contenders import Contender
from benchmarks.environments import absent
from benchmarks.figures import CaseRows, Comparison
from benchmarks.matrix import MEMORY_BUDGET, START_BUDGET, STARTUP, Pair
from benchmarks.report import Row, ratio_of, summarise
from benchmarks.turns import Turn
from benchmarks.verdicts import Budget

STARTS = 11


def rows(
    contenders: Sequence[Contender],
    case: Case,
    rounds: int,
    seconds: int,
    missing: Mapping[str, str],
    *,
    counted: bool = True,
) -> tuple[CaseRows, dict[str, list[Turn]]]:
    """Every server's medians, and the turns of those that answer rightly."""
    flaws = {each.name: absent(each, missing) for each in contenders}
    present = [each for each in contenders if not flaws[each.name]]
    with turns.SideBySide(case, seconds) as side_by_side:

        def take(contender: Contender, is_last: bool) -> Turn:
            if case.is_side_by_side:
                return side_by_side.take(contender, counted=counted and is_last)
            return turns.take(contender, case, seconds, counted=counted and is_last)

        found = turns.alternate(present, rounds, take)
    laid_out = [
        Row(each.name, flaw=flaws[each.name])
        if flaws[each.name]
        else summarise(each.name, found[each.name])
        for each in contenders
    ]
    right = {name: taken for name, taken in found.items() if not isinstance(taken, str)}
    return CaseRows(case.name, case.title, case.connections, rounds, seconds, laid_out), right


def pair(
    pair: Pair, rounds: int, seconds: int, missing: Mapping[str, str], *, counted: bool = True
) -> tuple[CaseRows, Comparison | None]:
    """Both servers of a pair, and their CPU compared; None where one is wrong."""
    both = (pair.ours, pair.theirs)
    found, taken = rows(both, pair.case, rounds, seconds, missing, counted=counted)
    if len(taken) < len(both):
        return found, None
    costs = {name: [turn.cpu * 1e6 for turn in each] for name, each in taken.items()}
    return found, _compared(
        pair, pair.name, f"CPU per request, {pair.case.title}", "us", costs, pair.budget
    )


def startup() -> list[Comparison]:
    """Memory of arbiter and worker, and the time to the first answer; raises one of turns.FLAWS."""
    cpus, _ = servers.processors()
    both = (STARTUP.ours, STARTUP.theirs)
    memory: dict[str, list[float]] = {each.name: [] for each in both}
    start: dict[str, list[float]] = {each.name: [] for each in both}
    for _ in range(STARTS):
        for contender in both:
            with servers.running(contender, STARTUP.case, cpus) as server:
                answers.warm_up(server.port, STARTUP.case)
                memory[contender.name].append(memory_of(server.pid))
                start[contender.name].append(server.start * 1e3)
    return [
        _compared(STARTUP, "memory", "PSS of arbiter and one worker", "MiB", memory, MEMORY_BUDGET),
        _compared(STARTUP, "start", "command to first answer", "ms", start, START_BUDGET),
    ]


def _compared(
    pair: Pair,
    name: str,
    what: str,
    unit: str,
    figures: Mapping[str, Sequence[float]],
    budget: Budget | None,
) -> Comparison:
    ours, theirs = figures[pair.ours.name], figures[pair.theirs.name]
    return Comparison(
        name,
        what,
        unit,
        pair.ours.name,
        pair.theirs.name,
        median(ours),
        median(theirs),
        ratio_of(ours, theirs),
        budget,
    )
