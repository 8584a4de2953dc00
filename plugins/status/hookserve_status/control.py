"""What the auxiliary process may ask of the arbiter, and the arbiter's answers.

Each request has a pair of sockets.  The request is in one of them, which both processes have: the
first to read it decides whether it is carried out.  The other end gets the reply.  The arbiter
receives the descriptors by a socket that is made before the fork, and never waits.  The auxiliary
process does, while its client does, and not for longer than `TIMEOUT`; then it takes the request
back.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
from typing import TYPE_CHECKING, Any, cast

from hookserve.config.values import MOST_WORKERS
from hookserve.system.calls import make_poll
from hookserve.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from hookserve.server import Server, WorkerInfo

TIMEOUT = 5.0
"""Seconds that the arbiter has to begin with what it is asked for."""
_LAST_TIME = 1.0
"""Seconds more for what it has begun."""
_SIZE = 1 << 16
"""Bytes of the longest message."""


class ControlError(Exception):
    """A command that cannot be done, in one line; `status` is HTTP's."""

    def __init__(self, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.status = status


class ArbiterSide:
    """Does what is asked for, in the arbiter's loop, until the other end is closed: a process that
    a reload has told to end asks for what it has in hand."""

    def __init__(self, server: Server, end: socket.socket) -> None:
        self._server, self._socket = server, end
        end.setblocking(False)
        server.watch(end.fileno(), self.on_readable)
        self._asked_by = "ctl"
        self._verbs: dict[str, Callable[[int], dict[str, object]]] = {
            "reload": self._reload,
            "drain": self._drain,
            "scale": self._scale,
            "recycle": self._recycle,
            "stacks": self._stacks,
        }

    def on_readable(self) -> None:
        """Answer what has come."""
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._socket, _SIZE, 1)
            except BlockingIOError:
                return
            except OSError:
                data, descriptors = b"", []
            if not data:
                self._server.unwatch(self._socket.fileno())
                self._socket.close()
                return
            for each in descriptors:
                with socket.socket(fileno=each) as end, contextlib.suppress(OSError, ValueError):
                    self._answer(end)

    def _answer(self, end: socket.socket) -> None:
        """Raises BlockingIOError when the request has been taken back."""
        end.setblocking(False)
        request: dict[str, Any] = json.loads(end.recv(_SIZE))  # Any: JSON
        if _is_closed(end):
            return  # the process that has asked is gone
        reply: dict[str, object]
        self._asked_by = str(request.get("by", "ctl"))
        try:
            reply = self._verbs[request["verb"]](int(request["value"]))
        except ControlError as error:
            reply = {"error": str(error), "status": error.status}
        descriptor = cast("int | None", reply.pop("descriptor", None))
        data = json.dumps(reply).encode()
        socket.send_fds(end, [data], [] if descriptor is None else [descriptor])

    def _reload(self, _: int) -> dict[str, object]:
        server = self._server
        if server.is_draining:
            raise ControlError("the server stops")
        record = server.scoreboards[0].server
        ticket = record.reloads_ended + min(2, record.reloads_wanted + 1)
        is_queued, booting = record.reloads_wanted > 0, self._booting()
        server.reload(self._asked_by)
        return {"ticket": ticket, "is_queued": is_queued, "booting": booting}

    def _drain(self, _: int) -> dict[str, object]:
        if not self._server.is_draining:
            self._server.stop(self._asked_by)
        return {"pid": self._server.pid}

    def _scale(self, count: int) -> dict[str, object]:
        before = self._server.num_workers
        if self._server.is_stopping:
            raise ControlError("the server stops")
        if not 0 <= count <= MOST_WORKERS:
            raise ControlError(f"expected 0 to {MOST_WORKERS} workers, not {count}", 400)
        most = self._server.most_workers
        if count > most:
            raise ControlError(
                f"there is room for {counted(most, 'worker')} at most, not for {count}: give the"
                f" configuration workers = {count} and reload"
            )
        self._server.set_wanted(count, self._asked_by)
        return {"wanted": self._server.num_workers, "before": before}

    def _recycle(self, index: int) -> dict[str, object]:
        worker = self._worker(index)
        if worker.state != "ready" or worker.recycle_reason:
            reason = worker.recycle_reason
            why = f"that is under way ({reason})" if reason else f"it is {worker.state}"
            raise ControlError(f"worker {index} (pid {worker.pid}) is not recycled: {why}")
        self._server.recycle(worker, "ctl")
        return {"pid": worker.pid, "booting": self._booting()}

    def _stacks(self, index: int) -> dict[str, object]:
        # Of two the one that boots or drains is asked for: it is what does not come to an end.
        worker = min(self._workers(index), key=lambda each: each.state == "ready")
        return {"pid": worker.pid, "descriptor": worker.request_stacks()}

    def _booting(self) -> list[dict[str, int | None]]:
        """The workers that another may have to wait for."""
        found = [each for each in self._server.workers if each.state == "booting"]
        return [{"index": each.index, "pid": each.pid} for each in found]

    def _worker(self, index: int) -> WorkerInfo:
        """The worker that serves under an index; raises ControlError."""
        found = self._workers(index)
        serving = [each for each in found if each.state in ("ready", "aborting")]
        return (serving or found)[0]

    def _workers(self, index: int) -> list[WorkerInfo]:
        """One, or two while it is replaced; raises ControlError."""
        found = [each for each in self._server.workers if each.index == index]
        if not found:
            raise ControlError(f"there is no worker {index}", 404)
        return found


class Client:
    """Asks the arbiter; in the auxiliary process, from any thread."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        end.settimeout(TIMEOUT)

    def ask(
        self, verb: str, value: int = 0, by: str = "ctl", waits: socket.socket | None = None
    ) -> tuple[dict[str, Any], int]:  # Any: JSON
        """The arbiter's answer, and a descriptor that came with it or -1; `by` is who asks, for
        the log, and `waits` the connection where the answer is awaited.  Raises ControlError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX)
        with ours, theirs:
            theirs.setblocking(False)
            ours.send(json.dumps({"verb": verb, "value": value, "by": by}).encode())
            try:
                self._exchange(ours, theirs, waits)
                data, descriptors, _, _ = socket.recv_fds(ours, _SIZE, 1)
            except OSError as error:
                raise ControlError(f"the arbiter is gone: {error.strerror}", 504) from None
        reply: dict[str, Any] = json.loads(data)
        if "error" in reply:
            raise ControlError(reply["error"], reply["status"])
        return reply, descriptors[0] if descriptors else -1

    def _exchange(
        self, ours: socket.socket, theirs: socket.socket, waits: socket.socket | None
    ) -> None:
        """Wait for the reply; raises ControlError, and OSError when the arbiter is gone."""
        poll = make_poll()
        poll.register(ours, select.POLLIN)
        poll.register(self._socket, 0)  # 0: only that the other end is closed
        if waits is not None:
            poll.register(waits, 0)
        with contextlib.suppress(TimeoutError):
            # The client may be gone already, where this process was held up.
            found = poll.poll(0)
            if not found:
                socket.send_fds(self._socket, [b"\0"], [theirs.fileno()])
                found = poll.poll(TIMEOUT * 1000)
            ready = [fd for fd, _ in found]
            if ours.fileno() in ready:
                return
            if self._socket.fileno() in ready:
                raise OSError(0, "its end is closed")
        if _take_back(theirs):
            message = f"the arbiter has not answered within {TIMEOUT:g} s: nothing is done"
            raise ControlError(message, 504)
        ours.settimeout(_LAST_TIME)
        try:
            ours.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            message = (
                f"the arbiter has begun, and has not answered within {TIMEOUT + _LAST_TIME:g} s:"
                " see whether it is done"
            )
            raise ControlError(message, 504) from None


def _take_back(end: socket.socket) -> bool:
    """Whether the arbiter has not read the request, and does not find it any more."""
    try:
        return bool(end.recv(_SIZE))
    except BlockingIOError:
        return False


def _is_closed(end: socket.socket) -> bool:
    """Whether no process has the other end, where there is nothing to read."""
    try:
        return not end.recv(1)
    except BlockingIOError:
        return False
