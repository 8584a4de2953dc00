"""After a re-exec the arbiter takes its workers back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from hookserve.arbiter.handles import WorkerHandle
from hookserve.types import ScoreboardField
from hookserve.worker.channel import restore_channel
from hookserve.worker.layout import VERSION
from hookserve.worker.scoreboard import Scoreboard

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.arbiter.handover import HandedScoreboard, Handover
    from hookserve.listeners.listener import Listener


def restore_workers(arbiter: Arbiter, handover: Handover, listeners: tuple[Listener, ...]) -> None:
    """Go on with the workers that this process had before exec(2): they serve on, from
    `listeners`, and the reload that they were handed over for replaces them."""
    scoreboards = [_restore_scoreboard(each) for each in handover.scoreboards]
    if scoreboards and handover.scoreboards[0].version == VERSION:
        arbiter.publication.record.copy(scoreboards[0].server)
    for each in handover.workers:
        scoreboard = scoreboards[each.scoreboard]
        slot = scoreboard.slot(each.slot)
        handle = WorkerHandle(
            each.index,
            each.generation,
            arbiter.config,
            arbiter.log,
            slot,
            scoreboard,
            each.dump_fd,
            arbiter.processes,
        )
        if handover.scoreboards[each.scoreboard].version != VERSION:
            handle.ignore_silence_before = math.inf  # this version cannot read its heartbeat
        handle.slot.describe = arbiter.current.classes.protocol_class.describe_request
        handle.pid, handle.channel = each.pid, restore_channel(each.channel)
        handle.start_serving(each.ready_at)
        arbiter.add_worker(handle)
    arbiter.has_been_ready = True
    current = arbiter.current
    wanted = handover.wanted
    if wanted < 0:
        wanted = len({each.index for each in handover.workers})
    arbiter.current = current._replace(number=handover.generation + 1, wanted=wanted)
    arbiter.publication.reloads_requested = list(handover.reloads_requested)
    previous = current._replace(number=handover.generation, listeners=listeners, wanted=wanted)
    arbiter.reloads.resume(previous, current.wanted)
    # By the generation, auxiliary processes that were handed over see that they are replaced.
    arbiter.publication.step(arbiter.clock())


def _restore_scoreboard(handed: HandedScoreboard) -> Scoreboard:
    """The scoreboard that workers write to; an empty one where it has another version's layout."""
    if handed.version != VERSION:
        return Scoreboard(handed.slots, handed.request_slots)
    fields = [ScoreboardField(*cast("tuple[str, str]", each)) for each in handed.fields]
    return Scoreboard(handed.slots, handed.request_slots, handed.fd, fields=fields)
