"""A cell of the table: one model, one fault, one load."""

from collections import Counter
from dataclasses import dataclass

from hookserve.testing import ServerFailed
from tests.chaos.driver import Outcome, verdict
from tests.chaos.faults import FAULTS, RATE
from tests.chaos.scene import IMPORT_TIME, scene

MOST_GAP = 0.2
"""What a client may notice of a fault that it should not notice, in seconds."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What happened."""

    model: str
    fault: str
    outcome: Outcome | None
    held: Counter[int]
    """Client ports of the connections that killed workers held (`Scene.hold`)."""
    import_time: float
    problem: str
    """What the fault itself found wrong; empty: nothing."""
    log: str

    @property
    def most_lost(self):
        """How many requests may be lost: one on each connection that a killed worker held."""
        return self.held.total()

    @property
    def lost_unheld(self):
        """How many requests were lost on connections that no killed worker held."""
        return self.outcome.failures - self._lost_held

    @property
    def _lost_held(self):
        """How many were lost on those that one held."""
        lost = Counter(port for *_, port in self.outcome.failed) if self.outcome else Counter()
        return (lost & self.held).total()

    @property
    def verdict(self):
        """What is wrong; empty: nothing."""
        if wrong := verdict(self.outcome, self.problem, self._lost_held):
            return wrong
        if FAULTS[self.fault].is_gapless and self.outcome.gap > MOST_GAP:
            return f"a gap of {self.outcome.gap * 1000:.0f} ms at {self.outcome.gap_at:.1f} s"
        return ""


def run(model, name, requests=20000, inflict=None, import_time=IMPORT_TIME):
    """One cell; `inflict` in place of the fault's own function makes it shorter."""
    fault = FAULTS[name]
    requests = int(requests * fault.rate / RATE)
    try:
        with scene(
            model,
            fault.settings,
            fault.arguments,
            import_time=import_time,
            rate=fault.rate,
            kept=fault.kept,
        ) as stage:
            problem, outcome = "", None
            try:
                stage.load.wait_for(requests // 4 if fault.goes_on else requests)
                (inflict or fault.inflict)(stage)
                if fault.goes_on:
                    stage.load.run_for()
                    stage.load.wait_for(requests)
                outcome = stage.load.finish(stage.is_stopped)
            except AssertionError as error:
                problem = str(error).splitlines()[0]
            return Cell(
                model,
                name,
                outcome,
                stage.held,
                stage.import_time(),
                problem,
                stage.server.log,
            )
    except ServerFailed as error:
        return Cell(model, name, None, Counter(), 0.0, "the server does not start", str(error))
