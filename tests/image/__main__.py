"""The command: build the recipe, and have each phase happen to a container of each kind."""

import argparse
import contextlib
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.driver import Driver, Outcome, verdict
from tests.image.engine import Container, build, missing, remove_image
from tests.image.phases import KINDS, PHASES, PORT, Scene

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


def main():
    argparse.ArgumentParser(prog="python -m tests.image", description=__doc__).parse_args()
    if lacking := missing():
        print(f"make image: {lacking}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="image-") as name, contextlib.ExitStack() as stack:
        image = build(Path(name))
        stack.callback(remove_image)
        print(
            f"The image has {image.size / 1e6:.0f} MB, {image.own_size / 1e6:.0f} of them its own; "
            f"built in {image.seconds:.0f} s.\n\n{HEAD}",
            flush=True,
        )
        rows = [row for kind in KINDS for row in _rows(kind)]
    return 1 if any(row.verdict for row in rows) else 0


def _rows(name):
    """The rows of a container of a kind."""
    try:
        started = Container(*KINDS[name].options)
    except AssertionError as error:
        yield _shown(Row(name, "start", None, "", str(error)), "")
        return
    with contextlib.closing(started) as container:
        for phase in PHASES:
            yield _shown(_row(name, phase, container), container.log)


def _shown(row, log):
    print(row, flush=True)
    if row.verdict:
        print(f"{row.problem}\n{log}", file=sys.stderr)
    return row


def _row(name, phase, container):
    """Have a phase happen under load."""
    problem, outcome = "", None
    address = ("127.0.0.1", PORT)
    with Driver(address, KEPT, FRESH, RATE, container.prefix, ("GET", "POST")) as load:
        scene = Scene(container, KINDS[name], load)
        try:
            load.wait_for(RATE)
            PHASES[phase](scene)
            if container.is_running:
                load.run_for(1)
            outcome = load.finish(is_stopped=not container.is_running)
        except AssertionError as error:
            problem = str(error) or repr(error)
    return Row(name, phase, outcome, ", ".join(scene.notes), problem)


if __name__ == "__main__":
    sys.exit(main())
