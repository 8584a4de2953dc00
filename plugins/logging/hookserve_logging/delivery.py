"""Messages on their way to a log daemon, which may be absent, slow or restarted.

Nothing here waits but `connect`, once, at the start.  A message that cannot be sent is kept, within
a bound, and sent when the daemon is back; what is beyond the bound is counted.  The first failure
of an outage is reported, and its end with the number of messages lost.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from hookserve_logging.link import Link, Target

MOST_KEPT = 1000
"""Messages that wait for the daemon."""
RETRY_PAUSE = 1.0
"""Seconds between attempts to reach a daemon that is gone."""
_LONGEST = 1 << 14
"""Bytes of a message; the rest is cut off."""
_ANY_SIZE = 1024
"""Bytes that every daemon takes (RFC 3164, 4.1)."""


class Delivery:
    """Sends messages to the first of the targets that takes them.

    Any thread may call `send` and `flush`.  After a fork the child has a connection of its own, and
    what waits is its parent's.
    """

    def __init__(self, targets: Sequence[Target], report: Callable[[str], None]) -> None:
        self._targets = targets
        self._report = report
        self._chosen = 0
        self._link: Link | None = None
        self._waiting: deque[bytes] = deque()
        self._lost = 0
        self._is_down = False
        self._retry_at = 0.0
        self._process = os.getpid()
        self._lock = threading.Lock()

    def connect(self, limit: float) -> str:
        """Try each target for at most `limit` seconds; why none was reached, or an empty text.

        That a UDP target is not there shows only when something was sent.
        """
        reason = ""
        for _ in self._targets:
            try:
                self._link = Link(self._targets[self._chosen])
                self._link.wait(limit)
            except OSError as error:
                reason = error.strerror or str(error)
                self._drop_link()
            else:
                return ""
        self._is_down = True
        return reason

    def send(self, message: bytes) -> None:
        """Send a message, or keep it."""
        self._separate_from_parent()
        if len(self._waiting) < MOST_KEPT:
            self._waiting.append(message[:_LONGEST])
            self.flush()
            return
        self.flush()
        self._lost += 1
        self._go_down("it is too slow, and messages are lost")

    def flush(self) -> None:
        """Send what waits, as far as that is possible now."""
        self._separate_from_parent()
        # A thread that does not get the lock need not wait: the one that has it looks again.
        while self._waiting and self._lock.acquire(blocking=False):
            try:
                is_done = self._send_waiting()
            finally:
                self._lock.release()
            if not is_done:
                return

    def close(self) -> None:
        """Send what can still be sent; report what is lost."""
        self._retry_at = 0.0
        self.flush()
        lost = self._lost + len(self._waiting)
        self._lost = 0
        self._waiting.clear()
        self._drop_link()
        if lost:
            self._report(f"cannot be reached: {lost} messages are lost")

    def _send_waiting(self) -> bool:
        """Send until nothing waits; returns whether nothing does."""
        if monotonic() < self._retry_at:
            return False
        failures = 0
        while self._waiting:
            try:
                self._send_first()
            except BlockingIOError:
                return False
            except OSError as error:
                failures += 1
                self._recover(error)
                # A daemon that was restarted is there again: each target is tried at once.
                if failures > len(self._targets):
                    self._retry_at = monotonic() + RETRY_PAUSE
                    self._go_down(f"{error.strerror or error}; messages wait for it")
                    return False
        self._come_up()
        return True

    def _send_first(self) -> None:
        if self._link is None:
            self._link = Link(self._targets[self._chosen])
        try:
            self._link.send(self._waiting[0])
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            if len(self._waiting[0]) > _ANY_SIZE:
                self._waiting[0] = self._waiting[0][:_ANY_SIZE]
                return
            self._lost += 1
        self._waiting.popleft()

    def _recover(self, error: OSError) -> None:
        """What a failed target has refused is the next one's."""
        if self._link is not None and error.errno == errno.ECONNREFUSED:
            refused = self._link.unconfirmed
            if refused is not None:
                self._waiting.appendleft(refused)
        self._drop_link()

    def _drop_link(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self._chosen = (self._chosen + 1) % len(self._targets)

    def _go_down(self, reason: str) -> None:
        if not self._is_down:
            self._is_down = True
            self._report(f"cannot be reached: {reason}")

    def _come_up(self) -> None:
        if self._is_down and self._link is not None and self._link.is_confirmed:
            self._is_down = False
            lost, self._lost = self._lost, 0
            self._report(f"is reached again; {lost} messages are lost")

    def _separate_from_parent(self) -> None:
        """In a child after fork(2): leave to the parent what is the parent's."""
        if self._process == os.getpid():
            return
        self._process = os.getpid()
        self._lock = threading.Lock()  # another thread of the parent may have held it
        self._waiting.clear()
        self._lost = 0
        if self._link is not None:
            self._link.unconfirmed = None
            if self._link.is_stream:  # two processes would mix parts of messages
                self._link.close()
                self._link = None
