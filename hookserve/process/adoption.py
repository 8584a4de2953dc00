"""An arbiter that was executed anew takes its workers back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.channel import adopt_channel
from hookserve.process.roster import WorkerHandle
from hookserve.scoreboard import Scoreboard

if TYPE_CHECKING:
    from hookserve.net.listeners import Listener
    from hookserve.process.arbiter import Arbiter
    from hookserve.process.handover import Handover


def adopt_workers(arbiter: Arbiter, handover: Handover, listeners: tuple[Listener, ...]) -> None:
    """Go on with the workers of the arbiter that this process was before: they serve on, from
    `listeners`, and the reload that they were handed over for replaces them."""
    boards = [Scoreboard(each.slots, each.flights, each.fd) for each in handover.boards]
    for each in handover.workers:
        board = boards[each.board]
        handle = WorkerHandle(
            each.index, each.generation, arbiter.assembly.config, arbiter.log,
            board.slot(each.slot), board, each.dump_fd,
        )  # fmt: skip
        handle.pid, handle.channel = each.pid, adopt_channel(each.channel)
        handle.start_serving(each.ready_at)
        arbiter.take_on(handle)
    arbiter.keeper.forker.older_boards.extend(boards)
    arbiter.has_been_ready = True
    arbiter.reloads.resume(handover.generation, listeners)
