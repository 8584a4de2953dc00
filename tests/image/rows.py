"""What happens under load, as rows of a table."""

import sys
from dataclasses import dataclass

from tests.chaos.driver import Driver, Outcome, verdict

KEPT, FRESH, RATE = 8, 4, 200.0
HEAD = (
    "| container | what happens | requests | lost | longest gap, ms | s | |\n"
    "|---|---|--:|--:|--:|--:|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """What happened to a container."""

    kind: str
    phase: str
    outcome: Outcome | None
    notes: str
    problem: str
    """What went wrong but for the requests; empty: nothing."""

    @property
    def verdict(self):
        """What is wrong; empty: nothing."""
        return verdict(self.outcome, self.problem)

    def __str__(self):
        figures = ["-"] * 4
        if self.outcome is not None:
            figures = [
                f"{self.outcome.answered:,}",
                str(self.outcome.failures),
                f"{self.outcome.gap * 1000:.0f}",
                f"{self.outcome.seconds:.0f}",
            ]
        words = f"**{self.verdict}**" if self.verdict else self.notes
        return f"| {' | '.join([self.kind, self.phase, *figures, words])} |"


def run(name, phase, act, scene_of, address, prefix, has_ended=lambda: False):
    """Have a phase happen under load; `scene_of` makes what it acts on, of the load."""
    problem, outcome = "", None
    with Driver(address, KEPT, FRESH, RATE, prefix, ("GET", "POST")) as load:
        scene = scene_of(load)
        try:
            load.wait_for(RATE)
            act(scene)
            if not (is_stopped := has_ended()):
                load.run_for(1)
            outcome = load.finish(is_stopped=is_stopped)
        except AssertionError as error:
            problem = str(error) or repr(error)
    return Row(name, phase, outcome, ", ".join(scene.notes), problem)


def shown(row, log=str):
    """The row, which is printed; with what the log says when it is not good."""
    print(row, flush=True)
    if row.verdict:
        print(f"{row.problem}\n{log()}", file=sys.stderr)
    return row
