"""The header fields of a request as pairs of bytes, for interfaces that want them like that.

What an environ has lost is here: the order, repeated fields, and names as they are on the wire.  It
is the head's parser that decides what is dropped, so no interface has rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hookserve_http.lines import unfold

END = b"\r\n\r\n"
"""The end of a head (RFC 9112, 2.1): the end of its last line, and an empty line."""

FIELDS = "hookserve.fields"
"""The entry of an environ that has the fields of its head; they must not be changed."""

Fields = list[tuple[bytes, bytes]]
"""Names in lower case and values, in the order in which they came."""

_CACHE_SIZE = 64
_CACHED_BLOCK_LIMIT = 1024
_LINE_CACHE_SIZE = 256
_CACHED_LINE_LIMIT = 256


class FieldLists:
    """Makes the lists for the heads of one parser; those of clients that repeat themselves once.

    `parse_line` is the parser's: called with a header line, it returns `None` for one that the
    rules drop.
    """

    __slots__ = ("_cache", "_line_cache", "_parse_line", "_unfolds")

    def __init__(self, parse_line: Callable[[bytes], object], unfolds: bool) -> None:
        self._parse_line = parse_line
        self._unfolds = unfolds
        self._cache: dict[bytes, Fields] = {}
        self._line_cache: dict[bytes, tuple[bytes, bytes]] = {}
        """What requests that stay have in common takes memory once."""

    def of(self, head: bytes, environ: dict[str, Any]) -> Fields:  # Any: PEP 3333
        """The fields of a head that the parser has made `environ` of: names in lower case, values
        without the white space around them.  The list is the caller's.

        The Host is the target's authority where it has one (RFC 9112, 3.2.2).
        """
        found: Fields | None = environ.get(FIELDS)
        if found is None:
            found = self._find(head)
        if environ["RAW_URI"][:1] == "/":
            return found.copy()
        host = environ.get("HTTP_HOST", "").encode("latin-1")
        return [(b"host", host), *(each for each in found if each[0] != b"host")]

    def split(self, block: bytes) -> Fields:
        """The fields of a block of header lines, as `of` gives them."""
        lines = block.split(b"\r\n")
        if self._unfolds:
            lines = unfold(lines)
        cache, found = self._line_cache, []
        for line in lines:
            pair = cache.get(line)
            if pair is None:
                if not line or self._parse_line(line) is None:
                    continue
                name, _, value = line.partition(b":")
                pair = name.rstrip(b" \t").lower(), value.strip(b" \t")
                if len(line) <= _CACHED_LINE_LIMIT:
                    if len(cache) >= _LINE_CACHE_SIZE:
                        cache.clear()
                    cache[line] = pair
            found.append(pair)
        return found

    def _find(self, head: bytes) -> Fields:
        block = head.partition(b"\r\n")[2].partition(END)[0]
        found = self._cache.get(block)
        if found is None:
            found = self.split(block)
            if len(block) <= _CACHED_BLOCK_LIMIT:
                if len(self._cache) >= _CACHE_SIZE:
                    self._cache.clear()
                self._cache[block] = found
        return found


def split_list(value: str) -> list[str]:
    """The items of a list (RFC 9110, 5.6.1)."""
    return [item for each in value.split(",") if (item := each.strip(" \t"))]
