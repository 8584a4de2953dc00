"""A row of the table: the hosts under load while something happens to them."""

import contextlib
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.driver import Driver, Outcome, verdict
from tests.roll.ansible import Playbook
from tests.roll.hosts import BALANCED, BALANCERS, Machine, is_balanced, wait_for
from tests.roll.phases import PHASES

KEPT, FRESH, RATE = 16, 8, 400.0
METHODS = ("GET", "POST")
"""A load balancer may send the first to another host when no answer comes, the second never."""
PLAYBOOK_LIMIT = 180.0


@dataclass
class Roll:
    """What a phase acts on."""

    balancer: object
    """Its host."""
    program: object
    """What runs there."""
    machines: dict[str, Machine]
    load: Driver
    folder: Path
    releases: object
    """An iterator over the names of releases that no host has."""
    most_lost: int = 0
    notes: list[str] = field(default_factory=list)

    def wait(self, condition, what):
        """Wait for a condition while the load goes on."""
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within 30 s"
            self.load.run_for(0.05)

    def play(self, how):
        """Roll a release out, and see that every host serves it."""
        release = next(self.releases)
        exit_code, output = self._play(release, how)
        assert exit_code == 0, f"the playbook failed:\n{output}"
        served = self.served()
        assert set(served.values()) == {release}, f"{release} was rolled out: {served}"

    def play_broken(self, how, text, serving):
        """Roll a release out that fails on the second host: there the roll ends."""
        before = self.served()
        release = f"broken-{next(self.releases)}"
        made = self.folder / "deploy" / "releases" / release
        made.mkdir()
        (made / "shop.py").write_text(text)
        exit_code, output = self._play(release, how)
        served = self.served()
        assert exit_code, f"the playbook found nothing wrong:\n{output}"
        assert served["a"] == release, served
        assert served["b"] in ("", before["b"]), served
        assert served["c"] == before["c"], served
        found = sum(bool(each) for each in served.values())
        assert found == serving, f"{found} hosts serve, not {serving}: {served}"
        failed = re.search(r'"msg": "b: (.+?): ', output)
        assert failed, f"the roll has not ended on b:\n{output}"
        self.notes.append(f"{found} hosts serve; failed on b: {failed[1]}")

    def served(self):
        return {name: machine.serves() for name, machine in self.machines.items()}

    def _play(self, release, how):
        hosts = {name: machine.host for name, machine in self.machines.items()}
        with contextlib.closing(Playbook(hosts, self.folder, release, how)) as playbook:
            deadline = time.monotonic() + PLAYBOOK_LIMIT
            while playbook.exit_code is None:
                assert time.monotonic() < deadline, f"no end of the playbook:\n{playbook.output}"
                self.load.run_for(0.2)
            return playbook.exit_code, playbook.output


@dataclass(frozen=True, slots=True)
class Row:
    """What happened."""

    balancer: str
    phase: str
    outcome: Outcome | None
    most_lost: int
    notes: str
    problem: str
    """What went wrong but for the requests; empty: nothing."""

    @property
    def verdict(self):
        """What is wrong; empty: nothing."""
        return verdict(self.outcome, self.problem, self.most_lost)


def row(name, balancer, machines, folder, kind, releases):
    """Have a phase happen behind a load balancer of a kind."""
    made = BALANCERS[kind](balancer, folder)
    problem, outcome = "", None
    with contextlib.closing(made):
        wait_for(lambda: is_balanced(balancer), kind)
        address = ("127.0.0.1", BALANCED)
        with Driver(address, KEPT, FRESH, RATE, balancer.prefix, METHODS) as load:
            roll = Roll(balancer, made, machines, load, folder, releases)
            try:
                load.wait_for(RATE)
                PHASES[name].act(roll)
                load.run_for(2)
                outcome = load.finish()
            except AssertionError as error:
                problem = str(error)
    return Row(kind, name, outcome, roll.most_lost, ", ".join(roll.notes), problem)
