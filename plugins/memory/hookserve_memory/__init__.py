"""Replaces workers that have grown too big.

policy
    which worker is replaced for its size, without a server
meter
    how much memory a process takes
published
    what the scoreboard has of it
recycler
    measures the workers, and replaces those that the policy names
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hookserve import Setting, hookimpl
from hookserve.config.values import one_of, optional_interval, size

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_CAN_MEASURE = sys.platform == "linux"

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "memory_limit",
        0,
        size,
        "replace a worker that takes more memory than this, in bytes (K, M and G may"
        " follow); 0: never",
        metavar="BYTES",
    ),
    Setting(
        "memory_measure",
        "pss",
        one_of("pss", "rss"),
        "what counts as a worker's memory: its share of what is resident, or all that"
        " it has resident",
        needs=("memory_limit",),
    ),
    Setting(
        "memory_interval",
        10.0,
        optional_interval,
        "how often the workers are measured; 0: at each tick",
        needs=("memory_limit",),
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """The limit, and how it is watched."""
    return SETTINGS


@hookimpl
def config_warnings(config: Config) -> list[str]:
    """A limit that cannot be watched."""
    if not config.memory_limit or _CAN_MEASURE:
        return []
    return [f"memory_limit ({config.origin('memory_limit')}): it takes Linux to measure a worker"]


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """The recycler, when there is a limit."""
    if not config.memory_limit or not _CAN_MEASURE:
        return []
    from hookserve_memory.recycler import Recycler

    return [Recycler(config)]
