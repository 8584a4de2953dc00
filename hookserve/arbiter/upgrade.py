"""The binary upgrade (USR2): a successor serves beside this arbiter until one of them is stopped.

TERM to the predecessor completes the upgrade, TERM to the successor takes it back.  Neither is
ever without listeners, and neither has to know which of the two will win.
"""

from __future__ import annotations

import _socket
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from hookserve.arbiter.child import fork_child
from hookserve.arbiter.handover import (
    Handover,
    execute,
    explain_failure,
    handed_listeners,
    handed_plugin_listeners,
)
from hookserve.arbiter.parts import Part
from hookserve.plugins import calling
from hookserve.system.calls import close

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter


class Upgrade(Part):
    """The successor of this arbiter, and its predecessor, as far as there are any."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self.successor: int | None = None
        """The process id of the successor while it lives."""
        self.successor_serves = False
        """Whether a worker of the successor is ready."""
        self.predecessor: int | None = None
        """The process id of the predecessor while it lives."""
        self._channel: _socket.socket | None = None

    def begin(self) -> None:
        """Start a successor."""
        arbiter = self._arbiter
        if obstacle := self._obstacle():
            arbiter.log.warning("USR2: nothing is done, %s", obstacle)
            return
        calling.notify(arbiter.hook.pre_exec, server=arbiter)
        self._publish(is_shared=True)  # before the fork: this arbiter may be killed at any moment
        try:
            pid, channel = self._fork()
        except OSError as error:
            arbiter.log.error("USR2: cannot start a successor: %s", error.strerror)
            return
        channel.setblocking(False)
        self.successor, self._channel = pid, channel
        arbiter.watch(channel.fileno(), self._on_successor_message)
        arbiter.log.info("successor started, pid %d", pid)

    def _fork(self) -> tuple[int, _socket.socket]:
        """The successor's process id, and this end of the channel to it; raises OSError."""
        ours, theirs = _socket.socketpair()
        arbiter = self._arbiter
        handover = Handover(
            arbiter.pid,
            listeners=handed_listeners(arbiter.listeners),
            # A path cannot be shared: the one that ends first removes it.
            plugin_listeners=handed_plugin_listeners(ports_only=True),
        )

        def become(channel: _socket.socket, unblock: Callable[[], None]) -> NoReturn:
            unblock()
            self._become_successor(handover._replace(channel=channel.fileno()))

        return fork_child(arbiter.processes, (ours, theirs), become), ours

    def follow(self, handover: Handover) -> None:
        """This arbiter is the successor."""
        self.predecessor = handover.pid
        self._publish(is_shared=True)
        self._channel = _socket.socket(fileno=handover.channel)
        self._channel.setblocking(False)
        self._arbiter.watch(handover.channel, self._on_predecessor_message)

    def send_ready(self) -> None:
        """A worker of this successor is ready."""
        if self.predecessor is not None and self._channel is not None:
            try:
                self._channel.send(b"ready")
            except OSError:
                pass

    def step(self, now: float) -> None:
        """Have the workers know whether another arbiter serves beside this one."""
        self._publish(self.is_shared)

    def _publish(self, is_shared: bool) -> None:
        for scoreboard in self._arbiter.scoreboards:
            scoreboard.server.shared = is_shared

    def reap(self) -> None:
        """Message that the successor has ended."""
        if self.successor is None:
            return
        status = self._arbiter.processes.reap(self.successor)
        if status is not None:
            self.successor = None
            self.successor_serves = False
            code = os.waitstatus_to_exitcode(status)
            log = self._arbiter.log.info if code == 0 else self._arbiter.log.error
            log("the successor has ended (%d); this server serves on", code)
            self.close()

    @property
    def is_shared(self) -> bool:
        """Whether another arbiter serves from the same listeners."""
        return self.successor is not None or self.predecessor is not None

    @property
    def other(self) -> str:
        """The other arbiter, for the log."""
        if self.predecessor is not None:
            return f"predecessor (pid {self.predecessor})"
        return f"successor (pid {self.successor})"

    @property
    def another_serves(self) -> bool:
        """Whether the workers of another arbiter accept at the same addresses."""
        return self.successor_serves or self.predecessor is not None

    def descriptors(self) -> list[int]:
        """The channel to the other arbiter."""
        return [self._channel.fileno()] if self._channel is not None else []

    def pids(self) -> tuple[int, ...]:
        """The successor."""
        return () if self.successor is None else (self.successor,)

    def _obstacle(self) -> str:
        """Why no successor is started; empty: nothing prevents it."""
        if self.successor is not None:
            return f"there is a successor already (pid {self.successor})"
        if self.predecessor is not None:
            return f"the predecessor is still there (pid {self.predecessor})"
        if self._arbiter.is_draining:
            return "the server is stopping"
        if self._arbiter.reexec.is_under_way:
            return "a reload is under way: this process is about to be replaced"
        if self._arbiter.pid == 1:
            # The kernel kills all processes of a namespace when its process 1 ends.
            return "this is process 1: a successor would end with it; replace the container"
        return ""

    def _become_successor(self, handover: Handover) -> NoReturn:
        start = self._arbiter.start
        try:
            execute(handover, start.directory, start.environ)
        except OSError as error:
            print(f"hookserve: {explain_failure(error, start.directory)}", file=sys.stderr)
        finally:
            os._exit(1)

    def _on_successor_message(self) -> None:
        """A worker of it is ready, or it is gone; `reap` handles its end."""
        arbiter = self._arbiter
        if self._receive() and self.successor is not None and not self.successor_serves:
            arbiter.log.info(
                "the successor serves: TERM to %d completes the upgrade, TERM to %d takes it back",
                arbiter.pid,
                self.successor,
            )
            self.successor_serves = True
            hook = arbiter.hook.successor_ready
            calling.notify(hook, server=arbiter, pid=self.successor)

    def _on_predecessor_message(self) -> None:
        if not self._receive():
            self.predecessor = None
            self._arbiter.log.info("the predecessor is gone: the upgrade is complete")
            self._inherit_pidfile()
            self._arbiter.auxiliaries.restart()  # plugins serve at the addresses that it had

    def _inherit_pidfile(self) -> None:
        arbiter = self._arbiter
        if arbiter.pidfile is not None:
            try:
                arbiter.pidfile.rename(arbiter.config.pidfile)
            except OSError as error:
                arbiter.log.error("cannot rename the pidfile: %s", error.strerror)

    def _receive(self) -> bool:
        """Whether the other side sent something; closes the channel when it is gone."""
        if self._channel is None:
            return False
        try:
            received = bool(self._channel.recv(100))
        except BlockingIOError:
            return True
        except OSError:
            received = False
        if not received:
            self.close()
        return received

    def close(self) -> None:
        """Close the channel to the other arbiter."""
        if self._channel is not None:
            self._arbiter.unwatch(self._channel.fileno())
            close(self._channel.detach())
            self._channel = None
