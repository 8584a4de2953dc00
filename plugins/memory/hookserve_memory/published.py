"""What the scoreboard has of the measurements, for all that show a server or watch it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookserve import ScoreboardField

if TYPE_CHECKING:
    from hookserve.server import Server

_SIZE, _LIMIT, _KEPT = "memory_measured_bytes", "memory_limit_bytes", "kept_over_memory_limit"
FIELDS = (
    ScoreboardField(_SIZE, "Memory of a worker, as memory_measure has it."),
    ScoreboardField(_LIMIT, "The memory_limit that it is compared with."),
    ScoreboardField(
        _KEPT, "1: it exceeds memory_limit and is not replaced, for a replacement exceeded it too."
    ),
)


def publish(server: Server, sizes: Mapping[int, int], limit: int, is_useless: bool) -> None:
    """Write what was measured, by process id, to the workers' slots; what was not measured is not
    compared, so it is not kept either."""
    for scoreboard in server.scoreboards:
        # A worker of an earlier generation may have no such memory.
        if not {field.name for field in FIELDS} <= scoreboard.layout.field_words.keys():
            continue
        for slot in map(scoreboard.slot, range(scoreboard.slots)):
            if slot.pid:
                size = sizes.get(slot.pid, 0)
                slot.cells(_SIZE)[0], slot.cells(_LIMIT)[0] = size, limit
                slot.cells(_KEPT)[0] = int(is_useless and size > limit)
