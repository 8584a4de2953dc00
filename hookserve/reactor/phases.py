"""The phases of a connection, and which may follow which.

A connection is in one phase from `accept` to `close`.  While it waits for its client it is in the
table `Connections.waiting`; a thread that takes it out of there owns it until it waits again.  The
phase stays what it was while the connection is read from, so that a wait which goes on keeps its
deadline.

=============== ================================ ==================== ==========================
phase           the worker waits for             deadline             counted from
=============== ================================ ==================== ==========================
`ACCEPTED`      nothing, it is about to read
`SILENT`        the client's first byte          `header_timeout`     the accept
`READING_HEAD`  the rest of a head               `header_timeout`     its first byte, or the accept
`READING_BODY`  the rest of a body               `body_timeout`       its last byte
`RUNNING`       nothing, its exchange runs
`SUSPENDED`     bytes, and its exchange
`PAUSED`        its exchange
`STREAMING`     both, and room for the response  `write_timeout`      the last byte taken
`KEPT`          the next request                 `keepalive`          the end of the exchange
`WRITING`       room for the response            `write_timeout`      the last byte taken
`LINGERING`     the client's end                 `linger_timeout`     the half-close
`CLOSED`        nothing, the descriptor is free
=============== ================================ ==================== ==========================

Events::

    on_readable     bytes have arrived, or the client's end
    on_writable     the kernel takes more of the response
    on_deadline     the deadline of the phase has passed
    exchange        a model runs what is ready
    resume          a suspended exchange goes on
    evict           another connection needs the place
    drain           the worker stops

``on_readable`` leads from every phase before `RUNNING` to whatever the protocol's state calls for:
to `READING_HEAD` or `READING_BODY` when something is missing, to `RUNNING` when an exchange is
ready, to `LINGERING` or `CLOSED` when there is no more request, and to `WRITING` when an
interim response finds no room in the kernel.  ``on_deadline`` may find that the client is owed a
refusal, which is an exchange too; otherwise, as ``evict`` and ``drain`` do, it leads to
`LINGERING` or `CLOSED`.  Which phases may follow one is in `TRANSITIONS`: for `READING_BODY` they
are `RUNNING`, `WRITING`, `LINGERING` and `CLOSED`.

A pipelined request is run from `RUNNING` or `WRITING` without a wait in between.

An exchange that another thread or greenlet of the model runs is no phase of its own: its connection
is `RUNNING` and in no table of those that wait.  One that has been suspended (`seam.SUSPENDED`,
`seam.PAUSED`) waits like a client does, in one of three phases; ``resume`` leads from those back to
`RUNNING`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Phase(IntEnum):
    """The phases by name; the constants below are the same as plain integers, for hot paths.

    The order counts: those up to `SUSPENDED` are read from when they are readable, those up to
    `LINGERING` wait and may have a deadline.
    """

    SILENT = 0
    KEPT = 1
    READING_HEAD = 2
    READING_BODY = 3
    SUSPENDED = 4
    WRITING = 5
    STREAMING = 6
    PAUSED = 7
    LINGERING = 8
    ACCEPTED = 9
    RUNNING = 10
    CLOSED = 11


SILENT: Final = 0
KEPT: Final = 1
READING_HEAD: Final = 2
READING_BODY: Final = 3
SUSPENDED: Final = 4
WRITING: Final = 5
STREAMING: Final = 6
PAUSED: Final = 7
LINGERING: Final = 8
ACCEPTED: Final = 9
RUNNING: Final = 10
CLOSED: Final = 11

_ENDS = {Phase.LINGERING, Phase.CLOSED}

TRANSITIONS: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.ACCEPTED: frozenset(
        {
            Phase.SILENT,
            Phase.READING_HEAD,
            Phase.READING_BODY,
            Phase.WRITING,
            Phase.RUNNING,
            *_ENDS,
        }
    ),
    Phase.SILENT: frozenset(
        {Phase.READING_HEAD, Phase.READING_BODY, Phase.WRITING, Phase.RUNNING, *_ENDS}
    ),
    Phase.READING_HEAD: frozenset({Phase.READING_BODY, Phase.WRITING, Phase.RUNNING, *_ENDS}),
    Phase.READING_BODY: frozenset({Phase.WRITING, Phase.RUNNING, *_ENDS}),
    Phase.RUNNING: frozenset(
        {
            Phase.KEPT,
            Phase.READING_HEAD,
            Phase.READING_BODY,
            Phase.WRITING,
            Phase.SUSPENDED,
            Phase.STREAMING,
            Phase.PAUSED,
            *_ENDS,
        }
    ),
    Phase.SUSPENDED: frozenset({Phase.RUNNING, Phase.PAUSED, *_ENDS}),
    Phase.STREAMING: frozenset({Phase.RUNNING, *_ENDS}),
    Phase.PAUSED: frozenset({Phase.RUNNING, *_ENDS}),
    Phase.WRITING: frozenset({Phase.RUNNING, *_ENDS}),
    Phase.KEPT: frozenset(
        {Phase.READING_HEAD, Phase.READING_BODY, Phase.WRITING, Phase.RUNNING, *_ENDS}
    ),
    Phase.LINGERING: frozenset({Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}
"""Which phase may follow which."""

WHEN_IDLE: Final = (
    SILENT,
    KEPT,
    READING_HEAD,
    READING_HEAD,
    KEPT,
    KEPT,
    KEPT,
    KEPT,
    LINGERING,
    SILENT,
    KEPT,
    CLOSED,
)
"""By phase: the next one when the protocol has nothing of a next request (`seam.IDLE`)."""
