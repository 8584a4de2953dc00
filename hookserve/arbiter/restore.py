"""After a re-exec the arbiter takes its workers back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.arbiter.handles import WorkerHandle
from hookserve.worker.channel import restore_channel
from hookserve.worker.scoreboard import Scoreboard

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.arbiter.handover import Handover
    from hookserve.listeners.listeners import Listener


def restore_workers(arbiter: Arbiter, handover: Handover, listeners: tuple[Listener, ...]) -> None:
    """Go on with the workers that this process had before exec(2): they serve on, from
    `listeners`, and the reload that they were handed over for replaces them."""
    scoreboards = [
        Scoreboard(each.slots, each.request_slots, each.fd) for each in handover.scoreboards
    ]
    for each in handover.workers:
        scoreboard = scoreboards[each.scoreboard]
        handle = WorkerHandle(
            each.index,
            each.generation,
            arbiter.config,
            arbiter.log,
            scoreboard.slot(each.slot),
            scoreboard,
            each.dump_fd,
            arbiter.processes,
        )
        handle.slot.describe = arbiter.current.classes.protocol_class.describe_request
        handle.pid, handle.channel = each.pid, restore_channel(each.channel)
        handle.start_serving(each.ready_at)
        arbiter.add_worker(handle)
    arbiter.has_been_ready = True
    current = arbiter.current
    arbiter.previous = current._replace(number=handover.generation, listeners=listeners)
    arbiter.current = current._replace(number=handover.generation + 1)
