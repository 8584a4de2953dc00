"""RESP2 without I/O: commands from bytes in any pieces, replies to bytes."""

from __future__ import annotations

MOST_ARGUMENTS = 1024
LARGEST_COMMAND = 1 << 20
"""Bytes of all its arguments."""
_LONGEST_NUMBER = 16


class ProtocolError(ValueError):
    """What a client sent is no command; the message says why."""


class CommandReader:
    """The commands of one connection: arrays of bulk strings."""

    __slots__ = ("_arguments", "_buffer", "_length", "_missing", "_size")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._arguments: list[bytes] = []
        self._missing = 0
        """How many arguments the command lacks that has begun."""
        self._length = -1
        """Bytes of the next argument; -1: its length has not come."""
        self._size = 0

    @property
    def has_begun(self) -> bool:
        """Whether part of a command has come."""
        return bool(self._buffer or self._missing)

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def next_command(self) -> list[bytes] | None:
        """The next whole command, `None` when there is none; raises ProtocolError."""
        if not self._missing:
            count = self._take_number(b"*", MOST_ARGUMENTS)
            if count is None:
                return None
            self._missing, self._size = count, 0
        while self._missing:
            argument = self._take_argument()
            if argument is None:
                return None
            self._arguments.append(argument)
            self._missing -= 1
        command, self._arguments = self._arguments, []
        return command

    def _take_argument(self) -> bytes | None:
        if self._length < 0:
            length = self._take_number(b"$", LARGEST_COMMAND - self._size)
            if length is None:
                return None
            self._length = length
            self._size += length
        end = self._length
        if len(self._buffer) < end + 2:
            return None
        if self._buffer[end : end + 2] != b"\r\n":
            raise ProtocolError("an argument is longer than its length")
        argument = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._length = -1
        return argument

    def _take_number(self, kind: bytes, limit: int) -> int | None:
        """The number of a line that begins with `kind`; `None` while it is not whole."""
        if self._buffer and not self._buffer.startswith(kind):
            raise ProtocolError(f"expected '{kind.decode()}'")
        end = self._buffer.find(b"\r\n", 0, _LONGEST_NUMBER)
        if end < 0:
            if len(self._buffer) >= _LONGEST_NUMBER:
                raise ProtocolError("the line of a number has no end")
            return None
        digits = bytes(self._buffer[1:end])
        if not digits.isdigit() or not (kind == b"$" or int(digits)) or int(digits) > limit:
            raise ProtocolError("invalid length")
        del self._buffer[: end + 2]
        return int(digits)


def bulk(value: bytes | None) -> bytes:
    """A string of any bytes, or the one that says that there is none."""
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)


def integer(value: int) -> bytes:
    """A number."""
    return b":%d\r\n" % value


def array(*items: bytes) -> bytes:
    """Replies as one."""
    return b"*%d\r\n%s" % (len(items), b"".join(items))


def error(message: str) -> bytes:
    """An error, in one line."""
    return b"-ERR %s\r\n" % " ".join(message.split()).encode()
