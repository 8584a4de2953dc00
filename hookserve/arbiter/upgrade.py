"""The binary upgrade (USR2): a successor serves beside this arbiter until one of them is stopped.

TERM to the predecessor completes the upgrade, TERM to the successor takes it back.  Neither is
ever without listeners, and nobody needs to be told which of the two will win.
"""

from __future__ import annotations

import _socket
import os
import sys
from typing import TYPE_CHECKING

from hookserve.arbiter.handover import Handover, execute, handed_listeners
from hookserve.arbiter.signals import Blocked
from hookserve.plugins import calling
from hookserve.system.calls import close, fork, reap

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter


class Upgrade:
    """The successor of this arbiter, and its predecessor, as far as there are any."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self.successor: int | None = None
        """The process id of the successor while it lives."""
        self.successor_serves = False
        """Whether a worker of the successor is ready."""
        self.predecessor: int | None = None
        """The process id of the predecessor while it lives."""
        self._line: _socket.socket | None = None

    def begin(self) -> None:
        """Start a successor."""
        arbiter = self._arbiter
        if arbiter.is_stopping or self.successor is not None or self.predecessor is not None:
            arbiter.log.warning("USR2: nothing is done, %s", self._why_not())
            return
        calling.notify(arbiter.assembly.host.hook.pre_exec, server=arbiter)
        ours, theirs = _socket.socketpair()
        handover = Handover(arbiter.pid, theirs.fileno(), 0, handed_listeners(arbiter.listeners))
        with Blocked() as unblock:
            try:
                pid = fork()
            except OSError as error:
                arbiter.log.error("USR2: cannot start a successor: %s", error.strerror)
                return
            if pid == 0:
                unblock()
                self._become_successor(handover)
        theirs.close()
        ours.setblocking(False)
        self.successor, self._line = pid, ours
        arbiter.watch(ours.fileno(), self._hear_successor)
        arbiter.log.info("successor started, pid %d", pid)

    def follow(self, handover: Handover) -> None:
        """This arbiter is the successor."""
        self.predecessor = handover.pid
        self._line = _socket.socket(fileno=handover.line)
        self._line.setblocking(False)
        self._arbiter.watch(handover.line, self._hear_predecessor)

    def say_ready(self) -> None:
        """A worker of this successor is ready."""
        if self.predecessor is not None and self._line is not None:
            try:
                self._line.send(b"ready")
            except OSError:
                pass

    def reap(self) -> None:
        """Message that the successor has ended."""
        if self.successor is None:
            return
        status = reap(self.successor)
        if status is not None:
            self.successor = None
            self.successor_serves = False
            code = os.waitstatus_to_exitcode(status)
            level = self._arbiter.log.info if code == 0 else self._arbiter.log.error
            level("the successor has ended (%d); this server serves on", code)
            self._hang_up()

    @property
    def is_shared(self) -> bool:
        """Whether another arbiter serves from the same listeners."""
        return self.successor is not None or self.predecessor is not None

    def descriptors(self) -> list[int]:
        """What a child must not keep."""
        return [self._line.fileno()] if self._line is not None else []

    def _why_not(self) -> str:
        if self.successor is not None:
            return f"there is a successor already (pid {self.successor})"
        if self.predecessor is not None:
            return f"the predecessor is still there (pid {self.predecessor})"
        return "the server is stopping"

    def _become_successor(self, handover: Handover) -> None:
        arbiter = self._arbiter
        try:
            execute(handover, arbiter.start.directory, arbiter.start.environ)
        except OSError as error:
            print(f"hookserve: cannot execute {sys.executable}: {error.strerror}", file=sys.stderr)
        finally:
            os._exit(1)

    def _hear_successor(self) -> None:
        """It is ready, or gone; `reap` tells about its end."""
        arbiter = self._arbiter
        if self._hears() and self.successor is not None:
            arbiter.log.info(
                "the successor serves: TERM to %d completes the upgrade, TERM to %d takes it back",
                arbiter.pid,
                self.successor,
            )
            self.successor_serves = True
            hook = arbiter.assembly.host.hook.successor_ready
            calling.notify(hook, server=arbiter, pid=self.successor)

    def _hear_predecessor(self) -> None:
        if not self._hears():
            self.predecessor = None
            self._arbiter.log.info("the predecessor is gone: the upgrade is complete")
            self._inherit_pidfile()

    def _inherit_pidfile(self) -> None:
        arbiter = self._arbiter
        if arbiter.pidfile is not None:
            try:
                arbiter.pidfile.rename(arbiter.assembly.config.pidfile)
            except OSError as error:
                arbiter.log.error("cannot rename the pidfile: %s", error.strerror)

    def _hears(self) -> bool:
        """Whether the other side said something; hangs up when it is gone."""
        if self._line is None:
            return False
        try:
            heard = bool(self._line.recv(100))
        except BlockingIOError:
            return True
        except OSError:
            heard = False
        if not heard:
            self._hang_up()
        return heard

    def _hang_up(self) -> None:
        if self._line is not None:
            self._arbiter.forget(self._line.fileno())
            close(self._line.detach())
            self._line = None
