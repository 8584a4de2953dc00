"""What Kamal does to a host, in this order, while clients send requests to its proxy."""

from dataclasses import dataclass, field

from hookserve.testing.waiting import wait_until
from tests.chaos.driver import Driver
from tests.image.kamal import BROKEN, Shop
from tests.image.phases import SLOW

_LIMIT = 120
FIRST = ("deploy", "--skip-push", "--version=r1")
"""What is deployed before there are clients."""


@dataclass
class Scene:
    """What a deploy acts on."""

    shop: Shop
    load: Driver
    notes: list[str] = field(default_factory=list)

    def run(self, *words):
        """Run Kamal while the load goes on; its exit code."""
        with self.shop.kamal(*words) as kamal:
            wait_until(lambda: kamal.poll() is not None or self.load.run_for(0.05), _LIMIT)
        return kamal.returncode


def deploy(scene):
    """The new container beside the old one, which answers what is under way before it stops."""
    with scene.shop.get(f"/?seconds={SLOW}") as slow:
        scene.load.run_for(1)
        assert scene.run("deploy", "--skip-push", "--version=r2") == 0
        assert slow.communicate()[0].endswith(b"\n200"), "the slow request has no response"
    _serves(scene.shop, "r2", "r1")
    scene.notes.append(f"r2 serves, r1 ended with 0, a request of {SLOW} s answered")


def deploy_what_is_broken(scene):
    """It never becomes healthy: Kamal fails, and the old container serves on."""
    assert scene.run("deploy", "--skip-push", f"--version={BROKEN}") == 1
    assert "Failed to boot web" in scene.shop.log
    _serves(scene.shop, "r2", "r1")
    scene.notes.append("exit code 1, r2 serves on")


def roll_back(scene):
    """The release before serves again."""
    assert scene.run("rollback", "r1", "--version=r1") == 0
    _serves(scene.shop, "r1", "r2")
    scene.notes.append("r1 serves, r2 ended with 0")


def _serves(shop, release, ended):
    """The one container runs and the other has ended by itself."""
    found = shop.status(release), shop.status(ended)
    assert found[0].startswith("Up"), found
    assert found[1].startswith("Exited (0)"), found


DEPLOYS = {
    "`kamal deploy`": deploy,
    "`kamal deploy` of a broken release": deploy_what_is_broken,
    "`kamal rollback`": roll_back,
}
