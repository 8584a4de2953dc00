"""The scoreboard: what each worker is doing, in memory that the whole tree shares.

One shared mapping of anonymous memory, made by the arbiter before it forks.  A slot for each worker
holds its state, heartbeat and counters and a table of *request slots*, the requests that it has
begun and not finished.  A worker writes its own slot with plain stores, and every process reads
all of them: no system call, no lock, no message.  A reader may see a record half written and takes
it as it is; nothing is decided on one reading alone.

Each request slot is owned by one thread or greenlet while its request runs, so its counters need no
lock; the slot's totals are the sums over its request slots.

Layout of a slot, in words of 8 bytes::

    0 state  1 heartbeat  2 open connections  3 accepted  4 rejected  5 notices acknowledged
    6 saturated
    7.. request slots, each: 0 requests  1 bytes sent  2 client errors  3 server errors
                             4 began (0: free)  5.. label, id
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Callable
from itertools import count
from struct import Struct
from time import monotonic
from typing import cast

from hookserve.types import RequestInFlight
from hookserve.wording import printable

WORD = 8
HEADER_WORDS = 7
LABEL_SIZE = 88
ID_SIZE = 40
REQUEST_SLOT_SIZE = 5 * WORD + LABEL_SIZE + ID_SIZE

BOOTING, READY, DRAINING, GONE = range(4)
_SERVING, _STOPPING, _DRAIN_DELAY = range(3)
"""The first byte: what the whole server does."""
CLIENT_ERROR, SERVER_ERROR = 4, 5
"""The two classes of a result that are counted; a protocol maps its own status to them."""

_STATE, _HEARTBEAT, _OPEN, _ACCEPTED, _REJECTED, _ACKNOWLEDGED, _SATURATED = range(HEADER_WORDS)

_BEGAN_AT = 4 * WORD
_BEGAN = Struct("=d")
_NEVER = (0.0,)
_BEGIN = Struct(f"=d{LABEL_SIZE}s{ID_SIZE}s")
_END = Struct("=QQQQd")


class RequestSlot:
    """One row in a worker's table of requests in flight."""

    __slots__ = (
        "_began_at",
        "_client_errors",
        "_memory",
        "_offset",
        "_requests",
        "_sent",
        "_server_errors",
        "began",
        "number",
    )

    def __init__(self, memory: mmap.mmap | bytearray, offset: int, number: int = -1) -> None:
        self.number = number
        """Of its row; -1 where no other process sees it."""
        self._memory = memory
        self._offset = offset
        self._began_at = offset + _BEGAN_AT
        self._requests = self._sent = self._client_errors = self._server_errors = 0
        self.began = 0.0
        """When the request began, in seconds of the monotonic clock."""

    def begin(self, now: float, label: bytes, request_id: bytes = b"") -> None:
        """A request begins at `now` (monotonic seconds); the label is cut to the table's width."""
        self.began = now
        _BEGIN.pack_into(self._memory, self._began_at, now, label, request_id)

    @property
    def label(self) -> bytes:
        """What the protocol has named the request by, cut to the table's width."""
        return bytes(_BEGIN.unpack_from(self._memory, self._began_at)[1])

    @property
    def is_running(self) -> bool:
        """Whether a request has begun and not ended."""
        return _BEGAN.unpack_from(self._memory, self._began_at) != _NEVER

    def end(self, status_class: int, sent: int) -> None:
        """The request is over, with `sent` bytes of body; errors are `CLIENT_ERROR`, and
        `SERVER_ERROR` and above; any other class is counted as a request only.
        """
        self._requests += 1
        self._sent += sent
        if status_class >= SERVER_ERROR:
            self._server_errors += 1
        elif status_class == CLIENT_ERROR:
            self._client_errors += 1
        _END.pack_into(
            self._memory,
            self._offset,
            self._requests,
            self._sent,
            self._client_errors,
            self._server_errors,
            0.0,
        )


class _Word:
    """One word of a slot's header as an attribute: an unsigned integer."""

    def __init__(self, position: int) -> None:
        self._position = position

    def __get__(self, slot: Slot, _: object = None) -> int:
        return slot.words[self._position]

    def __set__(self, slot: Slot, value: int) -> None:
        slot.words[self._position] = value


class Slot:
    """One worker's part of the scoreboard, as the worker itself and as the arbiter see it.

    What is stored for each connection or request has a *cell* besides: a view of that one word,
    written with `cell[0] = value`, which costs no call.
    """

    state = _Word(_STATE)
    """`BOOTING`, `READY`, `DRAINING` or `GONE`."""
    open_connections = _Word(_OPEN)
    accepted = _Word(_ACCEPTED)
    """Connections accepted so far."""
    rejected = _Word(_REJECTED)
    """How often a connection could not be accepted for want of resources."""
    acknowledged = _Word(_ACKNOWLEDGED)
    """Notices of sibling workers that this worker has seen."""
    saturated = _Word(_SATURATED)
    """Requests refused because they had waited too long."""

    def __init__(self, memory: mmap.mmap, number: int, offset: int, request_slots: int) -> None:
        self._memory = memory
        self._request_slots_at = offset + HEADER_WORDS * WORD
        self._request_slot_count = request_slots
        self.number = number
        self._saturated = count(1)
        self.describe: Callable[[bytes], str] = printable
        """How the label of a request is shown (`Protocol.describe_request`)."""
        header = memoryview(memory)[offset : self._request_slots_at]
        self.words = header.cast("Q")
        self.heartbeat_cell = header.cast("d")[_HEARTBEAT : _HEARTBEAT + 1]
        self.open_connections_cell = self.words[_OPEN : _OPEN + 1]
        self.accepted_cell = self.words[_ACCEPTED : _ACCEPTED + 1]

    def count_saturated(self) -> None:
        """A request is refused because it has waited too long; from any thread of the worker."""
        self.saturated = next(self._saturated)

    def clear(self) -> None:
        """Make the slot ready for another worker."""
        start = self._request_slots_at - HEADER_WORDS * WORD
        size = HEADER_WORDS * WORD + self._request_slot_count * REQUEST_SLOT_SIZE
        self._memory[start : start + size] = bytes(size)

    def request_slot(self, number: int) -> RequestSlot:
        """The request slot with that number; beyond the table, one that no other process sees."""
        if number >= self._request_slot_count:
            return RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
        at = self._request_slots_at + number * REQUEST_SLOT_SIZE
        return RequestSlot(self._memory, at, number)

    @property
    def heartbeat(self) -> float:
        """The worker's last sign of life, in seconds of the monotonic clock."""
        return self.heartbeat_cell[0]

    @heartbeat.setter
    def heartbeat(self, now: float) -> None:
        self.heartbeat_cell[0] = now

    def in_flight(self, now: float | None = None) -> list[RequestInFlight]:
        """The requests begun and not finished, the oldest first."""
        now = monotonic() if now is None else now
        requests = (self.request(number, now) for number in range(self._request_slot_count))
        found = [request for request in requests if request is not None]
        return sorted(found, key=lambda request: -request.elapsed)

    def request(self, number: int, now: float) -> RequestInFlight | None:
        """The request in the row of that number; `None` when none runs there."""
        at = self._request_slots_at + number * REQUEST_SLOT_SIZE
        began, label, identity = _BEGIN.unpack_from(self._memory, at + _BEGAN_AT)
        if not began:
            return None
        elapsed = min(max(0.0, now - began), now)  # not a number, infinite: in range too
        return RequestInFlight(self.describe(label), elapsed, printable(identity))

    def began(self) -> list[float]:
        """By row: when its request began, in seconds of the monotonic clock; 0: none runs."""
        start = self._request_slots_at
        rows = memoryview(self._memory)[
            start : start + self._request_slot_count * REQUEST_SLOT_SIZE
        ]
        column = rows.cast("d")[_BEGAN_AT // WORD :: REQUEST_SLOT_SIZE // WORD]
        return cast("list[float]", column.tolist())

    def counters(self) -> dict[str, int]:
        """What the worker has done so far."""
        totals = [0, 0, 0, 0]
        for number in range(self._request_slot_count):
            at = self._request_slots_at + number * REQUEST_SLOT_SIZE
            values = _END.unpack_from(self._memory, at)
            if not any(values):
                break  # the table is filled from the front
            totals = [total + value for total, value in zip(totals, values, strict=False)]
        return {
            "requests": totals[0],
            "bytes_sent": totals[1],
            "client_errors": totals[2],
            "server_errors": totals[3],
            "connections": self.open_connections,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "saturated": self.saturated,
        }


class Scoreboard:
    """The mapping and its slots; made in the arbiter before the first fork, or mapped again after
    exec(2) from the descriptor `fd`.  The first `notifiable` slots have a wake-up
    descriptor each."""

    def __init__(self, slots: int, request_slots: int, fd: int = -1, notifiable: int = 0) -> None:
        self._slot_size = HEADER_WORDS * WORD + request_slots * REQUEST_SLOT_SIZE
        self._request_slots = request_slots
        self.slots, self.request_slots = slots, request_slots
        size = WORD + slots * self._slot_size
        own = []
        if fd < 0 and hasattr(os, "memfd_create"):
            fd = os.memfd_create("hookserve-scoreboard")
            os.ftruncate(fd, size)
            own.append(fd)
        self.fd = fd
        """The memory's descriptor, by which it outlives exec(2); -1 where there is none."""
        self._memory = mmap.mmap(fd, size)
        self._free = list(range(slots - 1, -1, -1))
        # Where there is no eventfd(2), there is no EPOLLEXCLUSIVE either.
        count = notifiable if hasattr(os, "eventfd") else 0
        self.wakeup_fds = [_make_wakeup_fd() for _ in range(count)]
        """Of the first slots, a descriptor each, by which sibling workers notify one another
        (`hookserve.reactor.balancing`).  They do not outlive exec(2): the workers that have them
        are about to be replaced."""
        weakref.finalize(self, _close_all, own + self.wakeup_fds).atexit = False

    def take(self) -> Slot | None:
        """A free slot, cleared; `None` when all are taken."""
        if not self._free:
            return None
        slot = self.slot(self._free.pop())
        slot.clear()
        return slot

    def slot(self, number: int) -> Slot:
        """The slot with that number, as it is."""
        offset = WORD + number * self._slot_size
        return Slot(self._memory, number, offset, self._request_slots)

    @property
    def states(self) -> memoryview:
        """The state of each slot that has a wake-up descriptor."""
        return self._column(_STATE)

    @property
    def open_connections(self) -> memoryview:
        """The open connections of each slot that has a wake-up descriptor."""
        return self._column(_OPEN)

    @property
    def acknowledged(self) -> memoryview:
        """The notices acknowledged of each slot that has a wake-up descriptor."""
        return self._column(_ACKNOWLEDGED)

    def _column(self, word: int) -> memoryview:
        stride = self._slot_size // WORD
        end = 1 + len(self.wakeup_fds) * stride
        return memoryview(self._memory).cast("Q")[1 + word : end : stride]

    def has_capacity(self, number: int, since: float) -> bool:
        """Whether the worker with that slot could run another request, or has begun one `since`
        that moment and may be through with it soon."""
        first = WORD + number * self._slot_size + HEADER_WORDS * WORD + _BEGAN_AT
        # The last request slot is for a refusal while all others are taken.
        end = first + (self._request_slots - 1) * REQUEST_SLOT_SIZE
        for at in range(first, end, REQUEST_SLOT_SIZE):
            (began,) = _BEGAN.unpack_from(self._memory, at)
            if not began or began > since:
                return True
        return False

    def give_back(self, slot: Slot) -> None:
        """Free the slot of a worker that is gone, however it went."""
        slot.state = GONE
        self._free.append(slot.number)

    @property
    def is_stopping(self) -> bool:
        """Whether the whole server stops, so that what waits to be accepted must be served."""
        return self._memory[0] == _STOPPING

    @property
    def is_draining(self) -> bool:
        """Whether the whole server was told to stop, though it may accept for `drain_delay`."""
        return self._memory[0] != _SERVING

    def announce_drain_delay(self) -> None:
        """Say to all processes that the whole server is about to stop."""
        if self._memory[0] == _SERVING:
            self._memory[0] = _DRAIN_DELAY

    def announce_stop(self) -> None:
        """Say to all processes that the whole server stops."""
        self._memory[0] = _STOPPING


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _make_wakeup_fd() -> int:
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
