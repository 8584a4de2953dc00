"""One command, as the scoreboard, the hooks and the access log are told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import AccessRecord

if TYPE_CHECKING:
    from hookserve.protocol.seam import Transport
    from hookserve.worker.base import Worker


class Exchange(AccessRecord):
    """A command and its reply; ``req`` and ``resp`` of the hooks, and the access log's record."""

    __slots__ = ("_slot", "_worker", "status", "status_class")

    query = ""
    version = (2, 0)

    def __init__(self, worker: Worker, command: list[bytes], address: str) -> None:
        label = b" ".join(command[:2])  # name and key: what follows is the client's data
        line = label.decode("latin-1")
        began = worker.clock()
        super().__init__(None, 0, [], 0, began, began, "", line, **fields_of(line, address))
        self._worker = worker
        self._slot = worker.begin(label)
        self.status = ""
        self.status_class = 2
        """4 for an error of the client's, 5 for one of the server's."""
        for hook in worker.pre_request:
            hook(worker, self, self.environ)

    @property
    def uri(self) -> str:
        """Name and key; ``path`` is the same."""
        return self.request_line

    path = uri

    def send(self, transport: Transport, reply: bytes) -> None:
        """Send, and count; raises OSError when the client is gone."""
        transport.send(reply)
        self.sent += len(reply)

    def fail(self, status_class: int, reason: str) -> None:
        """It does not end as it was meant to."""
        self.status_class, self.reason = status_class, reason

    def release(self) -> None:
        """Nothing runs any more: `request_timeout` must not count what may last for hours."""
        if self._slot is not None:
            self._worker.end(self._slot, self.status_class, self.sent)
            self._slot = None  # type: ignore[assignment]  # it is another request's by now

    def end(self) -> None:
        """It is over: tell the hooks, then the access log, then the scoreboard."""
        worker = self._worker
        self.ended = worker.clock()
        for hook in worker.post_request:
            hook(worker, self, self.environ, self)
        for log in worker.log_access:
            log(self)
        self.release()


def fields_of(line: str, address: str = "") -> dict[str, str]:
    """What the record of a command and its key has."""
    name, _, key = line.partition(" ")
    return {"address": address, "method": name, "target": key, "protocol": "RESP2"}
