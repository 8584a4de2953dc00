"""What happens to the pods, in this order, while clients send requests to the Service."""

import contextlib
from dataclasses import dataclass, field

from hookserve.testing.waiting import wait_until
from tests.chaos.driver import Driver
from tests.cluster.cluster import LIMIT, Shop, cordoned
from tests.image.phases import SLOW

_STALLED = 20
"""Seconds to wait for a rollout that cannot end."""


@dataclass
class Scene:
    """What a phase acts on."""

    shop: Shop
    load: Driver
    notes: list[str] = field(default_factory=list)

    def wait(self, condition):
        """Wait for a condition while the load goes on."""
        wait_until(lambda: condition() or self.load.run_for(0.2), LIMIT)

    def run(self, *words):
        """Run kubectl while the load goes on; its exit code."""
        with self.shop.start(*words) as process:
            self.wait(lambda: process.poll() is not None)
        return process.returncode

    def wait_for_pods(self):
        """Wait until as many pods as are wanted are ready, and none is being stopped."""
        self.wait(lambda: list(self.shop.pods().values()) == [True] * self.shop.wanted)
        self.wait(lambda: not self.shop.stopping())


def update(scene):
    """Another image, pod after pod; requests that are under way are answered."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(scene.shop.get(f"/?seconds={SLOW}")) for _ in range(6)]
        scene.load.run_for(1)
        scene.shop.kubectl("set", "image", "deployment/shop", f"shop={scene.shop.next_release}")
        assert scene.run("rollout", "status", "deployment/shop") == 0
        for each in slow:
            assert each.communicate()[0].endswith(b"\n200"), "a slow request has no response"
    scene.wait_for_pods()
    scene.notes.append(f"{len(slow)} requests of {SLOW} s answered")


def restart(scene):
    scene.shop.kubectl("rollout", "restart", "deployment/shop")
    assert scene.run("rollout", "status", "deployment/shop") == 0
    scene.wait_for_pods()


def scale(scene):
    """Down to one pod, and up again."""
    wanted = scene.shop.wanted
    for scene.shop.wanted in (1, wanted):
        scene.shop.kubectl("scale", "deployment/shop", f"--replicas={scene.shop.wanted}")
        scene.wait_for_pods()


def evict(scene):
    """The budget grants one pod, and refuses the second until the first is replaced."""
    first, second, *_ = scene.shop.pods()
    with cordoned() as nodes:
        scene.shop.kubectl("cordon", *nodes)
        assert scene.shop.evict(first) == ""
        refusal = scene.shop.evict(second)
        assert "disruption budget" in refusal, refusal
        scene.wait(lambda: not scene.shop.stopping())
        assert "disruption budget" in scene.shop.evict(second)
    scene.wait_for_pods()
    assert second in scene.shop.pods()
    scene.notes.append("the second pod is refused while the first has no successor")


def drain(scene):
    """All nodes at once: the budget leaves the pods that cannot be replaced."""
    with cordoned() as nodes:
        words = ("--pod-selector=app=shop", "--delete-emptydir-data", f"--timeout={_STALLED}s")
        assert scene.run("drain", *nodes, *words) != 0
        left = list(scene.shop.pods().values()).count(True)
        assert left == scene.shop.wanted - 1, left
    scene.wait_for_pods()
    scene.notes.append(f"{left} pods are left, and the drain fails")


def update_to_what_is_broken(scene):
    """The rollout stops at its first pod, and no old one is stopped."""
    before = set(scene.shop.pods())
    scene.shop.kubectl("set", "image", "deployment/shop", f"shop={scene.shop.broken}")
    assert scene.run("rollout", "status", "deployment/shop", f"--timeout={_STALLED}s") != 0
    ready = {name for name, is_ready in scene.shop.pods().items() if is_ready}
    assert ready == before, (ready, before)
    scene.shop.kubectl("rollout", "undo", "deployment/shop")
    assert scene.run("rollout", "status", "deployment/shop") == 0
    scene.wait_for_pods()
    scene.notes.append(f"{len(ready)} old pods serve, the rollout stands")


PHASES = {
    "`kubectl set image`": update,
    "`kubectl rollout restart`": restart,
    "`kubectl scale`, to 1 and back": scale,
    "two evictions": evict,
    "`kubectl drain` of all nodes": drain,
    "`kubectl set image`, a broken one": update_to_what_is_broken,
}
