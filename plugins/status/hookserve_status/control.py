"""What the auxiliary process may ask of the arbiter, and the arbiter's answers.

Two connected sockets, made in the arbiter: a datagram each way, JSON in it.  The arbiter never
waits.  The auxiliary process does, but not for longer than `TIMEOUT`: an arbiter that is stuck in a
hook is reported as such.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from hookserve.server import Server, WorkerInfo

TIMEOUT = 5.0
"""Seconds."""
_SIZE = 1 << 16


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
                data = self._socket.recv(_SIZE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._server.unwatch(self._socket.fileno())
                self._socket.close()
                return
            with contextlib.suppress(OSError, ValueError):
                self._answer(json.loads(data))

    def _answer(self, request: dict[str, Any]) -> None:  # Any: JSON
        reply: dict[str, object]
        self._asked_by = str(request.get("by", "ctl"))
        try:
            reply = self._verbs[request["verb"]](int(request["value"]))
        except ControlError as error:
            reply = {"error": str(error), "status": error.status}
        descriptor = cast("int | None", reply.pop("descriptor", None))
        reply["id"] = request["id"]
        data = json.dumps(reply).encode()
        socket.send_fds(self._socket, [data], [] if descriptor is None else [descriptor])

    def _reload(self, _: int) -> dict[str, object]:
        server = self._server
        if server.is_draining or server.is_stopping:
            raise ControlError("the server stops")
        record = server.scoreboards[0].server
        ticket = record.reloads_ended + min(2, record.reloads_wanted + 1)
        server.reload(self._asked_by)
        return {"ticket": ticket}

    def _drain(self, _: int) -> dict[str, object]:
        if not (self._server.is_draining or self._server.is_stopping):
            self._server.stop(self._asked_by)
        return {"pid": self._server.pid}

    def _scale(self, count: int) -> dict[str, object]:
        before = self._server.num_workers
        if self._server.is_stopping:
            raise ControlError("the server stops")
        if not 0 <= count <= 4096:
            raise ControlError(f"expected 0 to 4096 workers, not {count}", 400)
        self._server.set_wanted(count)
        return {"wanted": self._server.num_workers, "before": before}

    def _recycle(self, index: int) -> dict[str, object]:
        worker = self._worker(index)
        if worker.state != "ready" or worker.recycle_reason:
            why = worker.recycle_reason or f"it is {worker.state}"
            raise ControlError(f"worker {index} (pid {worker.pid}) is not recycled: {why}")
        self._server.recycle(worker, "ctl")
        return {"pid": worker.pid}

    def _stacks(self, index: int) -> dict[str, object]:
        # Of two the one that boots or drains is asked for: it is what does not come to an end.
        worker = min(self._workers(index), key=lambda each: each.state == "ready")
        return {"pid": worker.pid, "descriptor": worker.request_stacks()}

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
        self._lock = threading.Lock()
        self._number = 0

    def ask(
        self, verb: str, value: int = 0, by: str = "ctl"
    ) -> tuple[dict[str, Any], int]:  # Any: JSON
        """The arbiter's answer, and a descriptor that came with it or -1; `by` is who asks, for
        the log.  Raises ControlError."""
        with self._lock:
            self._number += 1
            request = {"id": self._number, "verb": verb, "value": value, "by": by}
            try:
                self._socket.send(json.dumps(request).encode())
                reply, descriptor = self._receive(time.monotonic() + TIMEOUT)
            except TimeoutError:
                message = f"the arbiter has not answered within {TIMEOUT:g} s"
                raise ControlError(message, 504) from None
            except OSError as error:
                raise ControlError(f"the arbiter is gone: {error.strerror}", 504) from None
        if "error" in reply:
            raise ControlError(reply["error"], reply["status"])
        return reply, descriptor

    def _receive(self, until: float) -> tuple[dict[str, Any], int]:
        while True:
            self._socket.settimeout(max(0.001, until - time.monotonic()))
            data, descriptors, _, _ = socket.recv_fds(self._socket, _SIZE, 1)
            if not data:
                raise OSError(0, "its end is closed")
            reply = json.loads(data)
            descriptor = descriptors[0] if descriptors else -1
            if reply["id"] == self._number:
                return reply, descriptor
            if descriptor >= 0:  # of a request that was not waited for
                socket.close(descriptor)
