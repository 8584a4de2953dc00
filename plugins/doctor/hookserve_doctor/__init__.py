"""``hookserve doctor``: what breaks deployments on this machine, with this configuration.

command
    asks all plugins, prints what they say, and the exit code
limits, cgroup
    limits of the process and of the kernel; of the control group
kernel
    the accept queue, the clock
deadlines
    what a stop takes, and what the platform allows
preload, loading, inspection
    threads and sockets that an application opens before a fork, by the module that made them; the
    process that loads it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hookserve import Command, Diagnosis, hookimpl
from hookserve.plugins.calling import collect

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost


@hookimpl
def commands() -> list[Command]:
    """One command, ``doctor``."""
    summary = "look for what breaks deployments, on this machine with this configuration"
    return [Command("doctor", "hookserve_doctor.command:run", summary)]


@hookimpl
def diagnoses(config: Config, host: PluginHost) -> Iterable[Diagnosis]:
    """Those of the machine, and of the core's settings."""
    from hookserve_doctor.cgroup import check_cgroup
    from hookserve_doctor.deadlines import check_deadlines
    from hookserve_doctor.kernel import check_kernel
    from hookserve_doctor.limits import check_limits
    from hookserve_doctor.preload import check_preload

    models = [model for _, model in collect(host.hook.worker_types)]

    def found() -> Iterator[Diagnosis]:
        yield from check_limits(config, models)
        yield from check_cgroup(config, models)
        yield from check_kernel(config)
        yield from check_deadlines(config)
        yield from check_preload(config, host)

    return found()
