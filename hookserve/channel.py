"""The line between the arbiter and one worker.

A pair of connected sockets made before the fork.  The worker says on it that it is ready, that
it cannot boot and why, or that it wants to be recycled; each word is a line of JSON.  Its end
is how either side learns at once that the other is gone.  The arbiter says one thing only: that
the server is about to stop.

In the worker the socket is asynchronous (O_ASYNC): the kernel sends SIGIO when the arbiter's
end closes, which needs neither polling nor prctl(2) and works where there is no
PR_SET_PDEATHSIG, in whatever the worker is waiting.

The sockets are of the C class: those of the module `socket` may be patched (hookserve.system).
"""

from __future__ import annotations

import _socket
import fcntl
import json
import os
from dataclasses import dataclass

_LEAVE = b"leave\n"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a worker says to the arbiter."""

    kind: str
    """``ready``, ``boot failed`` or ``recycle``."""
    text: str = ""
    code: int = 0


def open_channel() -> tuple[ArbiterEnd, WorkerEnd]:
    """Both ends, made in the arbiter before the fork."""
    ours, theirs = _socket.socketpair()
    ours.setblocking(False)
    return ArbiterEnd(ours), WorkerEnd(theirs)


def adopt_channel(descriptor: int) -> ArbiterEnd:
    """The arbiter's end, after exec(2)."""
    return ArbiterEnd(_socket.socket(fileno=descriptor))


class ArbiterEnd:
    """The arbiter's end."""

    def __init__(self, end: _socket.socket) -> None:
        self._socket = end
        self._unread = b""

    def fileno(self) -> int:
        """The descriptor to poll; -1 when closed."""
        return self._socket.fileno()

    def read(self) -> tuple[list[Notice], bool]:
        """The notices that have arrived, and whether the line still stands."""
        is_open = True
        try:
            while data := self._socket.recv(65536):
                self._unread += data
            is_open = False
        except BlockingIOError:
            pass
        except OSError:
            is_open = False
        *lines, self._unread = self._unread.split(b"\n")
        return [Notice(**json.loads(line)) for line in lines], is_open

    def say_leave(self) -> None:
        """Tell the worker that the server is about to stop; its kernel sends it SIGIO."""
        try:
            self._socket.send(_LEAVE)
        except OSError:  # it is gone, or has not heard the first time yet
            pass

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class WorkerEnd:
    """The worker's end."""

    def __init__(self, end: _socket.socket) -> None:
        self._socket = end

    def say(self, kind: str, text: str = "", code: int = 0) -> None:
        """Send a notice; a line that is down is no error, SIGIO tells about it."""
        message = json.dumps({"kind": kind, "text": text, "code": code})
        try:
            self._socket.sendall(message.encode() + b"\n")
        except OSError:
            pass

    def ask_for_signal(self) -> None:
        """Have SIGIO sent to this process when the arbiter hangs up."""
        descriptor = self._socket.fileno()
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)

    def listen(self) -> tuple[bool, bool]:
        """Whether the arbiter is gone, and whether it said that the server is about to stop;
        does not block."""
        try:
            heard = self._socket.recv(64, _socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False, False
        except OSError:
            return True, False
        return not heard, bool(heard)

    def close(self) -> None:
        """Close the descriptor."""
        self._socket.close()
