"""The channel between the arbiter and one worker.

A pair of connected sockets, made before the fork.  Each message is a line: a kind, a number and a
text, with tabs between them.  A worker sends that it is ready, that it cannot boot and why, or that
it wants to be recycled.  The arbiter sends that the drain delay has begun, or that the worker or a
listener is retired.  When one side closes its end, the other sees at once that it is gone.

In the worker the socket is asynchronous (O_ASYNC): the kernel sends SIGIO when the arbiter sends
or its end closes, which needs neither polling nor prctl(2) and works where there is no
PR_SET_PDEATHSIG, in whatever the worker is waiting.

The sockets are of the C class (hookserve.system.calls).
"""

from __future__ import annotations

import _socket
import fcntl
import os
from codecs import unicode_escape_decode, unicode_escape_encode
from typing import NamedTuple

LONGEST_LINE = 1 << 21
"""Bytes of the longest message: a traceback has far fewer."""
MOST_PER_READ = 1 << 22
"""Bytes: what ``read`` takes when no limit is given."""
_TOO_LONG = b"\t\t\t"
"""What is kept of a line that is too long: with whatever follows, it is not a message."""


class Message(NamedTuple):
    """What one side sends to the other."""

    kind: str
    """Of a worker: ``ready``, ``interface`` (the application's, which the model does not run),
    ``boot failed``, ``recycle`` or ``begun`` (a request, where the arbiter awaits one); of the
    arbiter: ``drain delay``,
    ``retire`` (the TERM that follows is the arbiter's own) or ``retire listener`` (no worker will
    accept from it after this one)."""
    text: str = ""
    code: int = 0


def open_channel() -> tuple[ArbiterEnd, WorkerEnd]:
    """Both ends, made in the arbiter before the fork."""
    ours, theirs = _socket.socketpair()
    ours.setblocking(False)
    return ArbiterEnd(ours), WorkerEnd(theirs)


def restore_channel(descriptor: int) -> ArbiterEnd:
    """The arbiter's end, after exec(2)."""
    return ArbiterEnd(_socket.socket(fileno=descriptor))


class _End:
    """What both ends do."""

    def __init__(self, end: _socket.socket) -> None:
        self._socket = end
        self._unread = b""
        self.received = 0
        """Bytes read so far."""

    def send(self, kind: str, text: str = "", code: int = 0) -> None:
        """Send a message; a line that is down is no error, its end tells about that."""
        # Escaped, the text has no tab and no line of its own.
        line = b"%b\t%d\t%b\n" % (kind.encode(), code, unicode_escape_encode(text)[0])
        try:
            self._socket.sendall(line)
        except OSError:
            pass

    def read(self, limit: int = MOST_PER_READ) -> tuple[list[Message], bool]:
        """The messages that have arrived, and whether the channel is still open.

        It does not block, and reads at most about `limit` bytes; what is left is read next time.
        A line that is not a message is ignored, and so is one longer than `LONGEST_LINE`.
        """
        is_open = True
        pieces = [self._unread]
        try:
            while limit > 0:
                data = self._socket.recv(65536, _socket.MSG_DONTWAIT)
                if not data:
                    is_open = False
                    break
                pieces.append(data)
                limit -= len(data)
                self.received += len(data)
        except BlockingIOError:
            pass
        except OSError:
            is_open = False
        *lines, self._unread = b"".join(pieces).split(b"\n")
        if len(self._unread) > LONGEST_LINE:
            self._unread = _TOO_LONG
        parsed = (_parse(line) for line in lines)
        return [message for message in parsed if message is not None], is_open

    def close(self) -> None:
        """Close this end; the other one sees the end."""
        self._socket.close()


def _parse(line: bytes) -> Message | None:
    try:
        kind, code, text = line.split(b"\t")
        return Message(kind.decode(), unicode_escape_decode(text)[0], int(code))
    except ValueError:
        return None


class ArbiterEnd(_End):
    """The arbiter's end; it never waits for a worker that does not listen."""

    def fileno(self) -> int:
        """The descriptor to poll; -1 when closed."""
        return self._socket.fileno()


class WorkerEnd(_End):
    """The worker's end."""

    def ask_for_signal(self) -> None:
        """Have SIGIO sent to this process when the arbiter sends a message or closes its end."""
        descriptor = self._socket.fileno()
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
