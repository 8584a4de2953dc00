"""What ``hookserve doctor`` says of the health checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve_health import ANY
from hookserve_health.lookup import find_fault

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def advise(config: Config) -> Iterable[Diagnosis]:
    """Whether a load balancer can see that the server stops, and that it ever is ready."""
    if any(config.get(name) for name in ANY):
        wanted, most = config.get("health_min_workers"), config.workers
        if isinstance(most, int) and wanted > max(most, config.get("adaptive_max") or 0):
            text = f"health_min_workers is {wanted}, workers {most}: the server is never ready"
            remedy = "lower health_min_workers, or have more workers"
            return [Diagnosis("warning", "health checks", text, remedy)]
        for target in config.get("health_check"):
            if fault := find_fault(target, is_certain=False):
                text = f"{fault} for the check {target}: the server is never ready"
                remedy = "correct health_check, or --chdir and --pythonpath, which say where it is"
                return [Diagnosis("warning", "health checks", text, remedy)]
        text = "load balancers can ask whether the server is ready"
        return [Diagnosis("ok", "health checks", text)]
    if not config.drain_delay:
        return []
    text = "there is a drain delay, and nothing by which a load balancer sees that it has begun"
    remedy = "--health-bind ADDRESS, and have the load balancer ask for /-/ready there"
    return [Diagnosis("note", "health checks", text, remedy)]
