"""The scoreboard: what each worker is doing, in memory that the whole tree shares.

One shared mapping of anonymous memory, made by the arbiter before it forks, as
`hookserve.worker.layout` describes it.  A slot for each worker holds its state, heartbeat and
counters and a table of *request slots*, the requests that it has begun and not finished.  A worker
writes its own slot with plain stores, the arbiter writes the server record
(`hookserve.worker.server_record`), and every process reads all of it (`hookserve.worker.reading`):
no system call, no lock, no message.  A reader may see a record half written and takes it as it is;
nothing is decided on one reading alone.

Each request slot is owned by one thread or greenlet while its request runs, so its counters need no
lock; the slot's totals are the sums over its request slots.
"""

from __future__ import annotations

import _thread
import mmap
import os
import weakref
from collections.abc import Callable, Iterable
from itertools import count
from struct import Struct
from time import monotonic

from hookserve.errors import ConfigError
from hookserve.types import RequestInFlight, ScoreboardField
from hookserve.wording import describe, printable
from hookserve.worker.cells import real_cell, unsigned_cell
from hookserve.worker.layout import (
    BEGAN_WORD,
    REQUEST_SLOT_SIZE,
    REQUEST_SLOT_WORDS,
    SLOT,
    VERSION,
    WORD,
    Layout,
)
from hookserve.worker.request_slots import BEGIN, RequestSlot
from hookserve.worker.server_record import HISTORY_SIZE, ServerRecord
from hookserve.worker.slot_record import SlotRecord, read_slot

BOOTING, READY, DRAINING, GONE = range(4)
_SERVING, _STOPPING, _DRAIN_DELAY = range(3)
"""The server record's first field: what the whole server does."""
STATES = ("booting", "ready", "draining", "gone")
"""The names of these."""

_STATE, _HEARTBEAT, _OPEN, _LINGERING, _ACCEPTED, _HELD, _ACKNOWLEDGED, _USED, _AWAITED = map(
    SLOT.index,
    (
        "state",
        "heartbeat",
        "open_connections",
        "lingering",
        "accepted",
        "held",
        "acknowledged",
        "used_request_slots",
        "awaited",
    ),
)

_BEGAN_AT = BEGAN_WORD * WORD
_BEGAN = Struct("=d")


class _Word:
    """One field of a slot as an attribute: an unsigned integer."""

    def __init__(self, name: str) -> None:
        self._position = SLOT.index(name)

    def __get__(self, slot: Slot, _: object = None) -> int:
        return slot.words[self._position]

    def __set__(self, slot: Slot, value: int) -> None:
        slot.words[self._position] = value


class _Moment:
    """One field of a slot as an attribute: seconds of the monotonic clock."""

    def __init__(self, name: str) -> None:
        self._position = SLOT.index(name)

    def __get__(self, slot: Slot, _: object = None) -> float:
        return slot.reals[self._position]

    def __set__(self, slot: Slot, value: float) -> None:
        slot.reals[self._position] = value


class Slot:
    """One worker's part of the scoreboard, as the worker itself and as others see it.

    What is stored for each connection or request has a cell besides (`hookserve.worker.cells`).
    """

    state = _Word("state")
    """`BOOTING`, `READY`, `DRAINING` or `GONE`."""
    open_connections = _Word("open_connections")
    lingering = _Word("lingering")
    """Those of them whose last response is sent: the client is waited for to close."""
    accepted = _Word("accepted")
    """Connections accepted so far."""
    rejected = _Word("rejected")
    """How often a connection could not be accepted for want of resources."""
    saturated = _Word("saturated")
    """Requests refused because they had waited too long; no other counter has them."""
    lost = _Word("lost")
    """Requests in flight and responses held when the process ended; the arbiter writes it."""
    held = _Word("held")
    """Responses that are held until the end of a turn (`hookserve.reactor.held`)."""
    acknowledged = _Word("acknowledged")
    """Notices of sibling workers that this worker has seen."""
    used_request_slots = _Word("used_request_slots")
    """How many request slots, from the front, have ever been used."""
    awaited = _Word("awaited")
    """1 while the arbiter sleeps until a request begins (`hookserve.arbiter.slow_requests`): the
    worker then sends ``begun``, and clears it."""
    index = _Word("index")
    """The worker's, as are the next; the arbiter writes them."""
    pid = _Word("pid")
    """0 until it is forked."""
    generation = _Word("generation")
    capacity = _Word("capacity")
    """How many requests it may have in flight at once."""
    heartbeat = _Moment("heartbeat")
    """The worker's last sign of life."""
    forked_at = _Moment("forked_at")
    ready_at = _Moment("ready_at")
    """0.0: not yet."""

    def __init__(self, memory: mmap.mmap, number: int, offset: int, layout: Layout) -> None:
        self._memory = memory
        self._layout = layout
        self._offset = offset
        self._request_slots_at = offset + layout.request_slots_word * WORD
        self._saturated = count(1)
        self._lock = _thread.allocate_lock()
        self.number = number
        self.describe: Callable[[bytes], str] = printable
        """How the label of a request is shown (`Protocol.describe_request`)."""
        own = memoryview(memory)[offset : offset + layout.slot_words * WORD]
        self.words, self.reals = own.cast("Q"), own.cast("d")
        """The fields, and all that follows, as integers and as real numbers."""
        self.heartbeat_cell = real_cell(own, _HEARTBEAT)
        self.open_connections_cell = unsigned_cell(own, _OPEN)
        self.lingering_cell = unsigned_cell(own, _LINGERING)
        self.accepted_cell = unsigned_cell(own, _ACCEPTED)
        self.held_cell = unsigned_cell(own, _HELD)
        self.awaited_cell = unsigned_cell(own, _AWAITED)

    def cells(self, name: str) -> memoryview[int] | memoryview[float]:
        """The memory of a field that a plugin has declared (`ScoreboardField`), writable; raises
        KeyError when this scoreboard has none of that name."""
        at = self._layout.field_words[name]
        field = next(each for each in self._layout.fields if each.name == name)
        end = at + field.words
        return self.reals[at:end] if field.is_real else self.words[at:end]

    def clear(self) -> None:
        """Make the slot ready for another worker."""
        first = self._request_slots_at
        size = first - self._offset + self._used() * REQUEST_SLOT_SIZE
        self._memory[self._offset : self._offset + size] = bytes(size)

    def count_saturated(self) -> None:
        """A request is refused because it has waited too long; from any thread of the worker."""
        self.saturated = next(self._saturated)

    def request_slot(self, number: int) -> RequestSlot:
        """The request slot with that number; beyond the table, one that no other process sees."""
        if number >= self._layout.request_slots:
            return RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
        with self._lock:  # threads take theirs side by side
            self.used_request_slots = max(self.used_request_slots, number + 1)
        at = self._request_slots_at + number * REQUEST_SLOT_SIZE
        return RequestSlot(self._memory, at, number)

    def _used(self) -> int:
        return min(self.words[_USED], self._layout.request_slots)

    def in_flight(self, now: float | None = None) -> list[RequestInFlight]:
        """The requests begun and not finished, the oldest first."""
        now = monotonic() if now is None else now
        requests = (self.request(number, now) for number in range(self._used()))
        found = [request for request in requests if request is not None]
        return sorted(found, key=lambda request: -request.elapsed)

    def request(self, number: int, now: float) -> RequestInFlight | None:
        """The request in the row of that number; `None` when none runs there."""
        at = self._request_slots_at + number * REQUEST_SLOT_SIZE
        began, label, identity = BEGIN.unpack_from(self._memory, at + _BEGAN_AT)
        if not began:
            return None
        elapsed = min(max(0.0, now - began), now)  # not a number, infinite: in range too
        return RequestInFlight(self.describe(label), elapsed, printable(identity))

    def began(self) -> list[float]:
        """By row: when its request began, in seconds of the monotonic clock; 0: none runs."""
        return list[float](self.reals[self._rows(BEGAN_WORD)])

    def record(self) -> SlotRecord:
        """All numbers of the slot at this moment."""
        return read_slot(self._memory, self._offset, self._layout, self._used())

    def counters(self) -> dict[str, int]:
        """What the worker has done so far."""
        return self.record().counters

    def _rows(self, position: int) -> slice:
        """One field of each request slot that was ever used."""
        first = self._layout.request_slots_word
        end = first + self._used() * REQUEST_SLOT_WORDS
        return slice(first + position, end, REQUEST_SLOT_WORDS)


class Scoreboard:
    """The mapping and its slots; made in the arbiter before the first fork, or mapped again after
    exec(2) from the descriptor `fd`.  The first `notifiable` slots have a wake-up
    descriptor each."""

    def __init__(
        self,
        slots: int,
        request_slots: int,
        fd: int = -1,
        notifiable: int = 0,
        fields: Iterable[ScoreboardField] = (),
    ) -> None:
        self.layout = Layout(request_slots, fields)
        self._slots_at = self.layout.history_word * WORD + HISTORY_SIZE
        self._slot_size = self.layout.slot_words * WORD
        self.slots, self.request_slots = slots, request_slots
        size = self._slots_at + slots * self._slot_size
        is_new = fd < 0
        if is_new:
            fd, self._memory = _make_memory(size)
        else:
            self._memory = mmap.mmap(fd, size)
        self.fd = fd
        """The memory's descriptor, by which it outlives exec(2); -1 where there is none."""
        own = [fd] if is_new and fd >= 0 else []
        self.server = ServerRecord(self._memory, self.layout)
        """What the arbiter writes of the whole server."""
        self.describe: Callable[[bytes], str] = printable
        """How the labels of requests are shown, in slots from now on."""
        if is_new:
            self.server.version = VERSION
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
        slot = Slot(self._memory, number, self._slots_at + number * self._slot_size, self.layout)
        slot.describe = self.describe
        return slot

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
        stride, first = self.layout.slot_words, self._slots_at // WORD
        end = first + len(self.wakeup_fds) * stride
        return memoryview(self._memory).cast("Q")[first + word : end : stride]

    def has_capacity(self, number: int, since: float) -> bool:
        """Whether the worker with that slot could run another request, or has begun one `since`
        that moment and may be through with it soon."""
        start = self._slots_at + number * self._slot_size
        first = start + self.layout.request_slots_word * WORD + _BEGAN_AT
        # The last request slot is for a refusal while all others are taken.
        end = first + (self.request_slots - 1) * REQUEST_SLOT_SIZE
        for at in range(first, end, REQUEST_SLOT_SIZE):
            (began,) = _BEGAN.unpack_from(self._memory, at)
            if not began or began > since:
                return True
        return False

    def give_back(self, slot: Slot) -> None:
        """Free the slot of a worker that is gone, however it went."""
        slot.state, slot.pid = GONE, 0
        self._free.append(slot.number)

    @property
    def is_stopping(self) -> bool:
        """Whether the whole server stops, so that what waits to be accepted must be served."""
        return self.server.stopping == _STOPPING

    @property
    def is_draining(self) -> bool:
        """Whether the whole server was told to stop, though it may accept for `drain_delay`."""
        return self.server.stopping != _SERVING

    def announce_drain_delay(self) -> None:
        """Say to all processes that the whole server is about to stop."""
        if self.server.stopping == _SERVING:
            self.server.stopping = _DRAIN_DELAY

    def announce_stop(self) -> None:
        """Say to all processes that the whole server stops."""
        self.server.stopping = _STOPPING


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _make_memory(size: int) -> tuple[int, mmap.mmap]:
    """A descriptor of it, -1 where there is none, and the memory; raises ConfigError."""
    fd = -1
    try:
        if hasattr(os, "memfd_create"):
            fd = os.memfd_create("hookserve-scoreboard")
            os.ftruncate(fd, size)
        return fd, mmap.mmap(fd, size)
    except (OSError, OverflowError, ValueError) as error:
        if fd >= 0:
            os.close(fd)
        raise ConfigError(
            f"no memory for the scoreboard, {size >> 20} MiB: {describe(error)} (lower workers,"
            " worker_connections or threads)"
        ) from None


def _make_wakeup_fd() -> int:
    return os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
