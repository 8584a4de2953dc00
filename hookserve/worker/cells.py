"""Cells: one word of the scoreboard, as what is stored for each connection or request needs it.

A cell is a view without dimensions, for ``cell[()] = value`` takes two thirds of the time of
``view[number] = value``.
"""

from __future__ import annotations

from struct import calcsize
from typing import Literal

from hookserve.worker.layout import WORD

_UNSIGNED: Literal["L", "Q"] = "L" if calcsize("L") == WORD else "Q"
"""Of what has more than 30 bits, L is stored more quickly."""


def unseen_word() -> memoryview:
    """A record of one word that no other process sees."""
    return memoryview(bytearray(WORD))


def unsigned_cell(record: memoryview, number: int) -> memoryview[int]:
    """The word of that number in the bytes of a record, as an unsigned integer."""
    return record[number * WORD : (number + 1) * WORD].cast(_UNSIGNED, ())


def real_cell(record: memoryview, number: int) -> memoryview[float]:
    """As `unsigned_cell`, for a real number."""
    return record[number * WORD : (number + 1) * WORD].cast("d", ())
