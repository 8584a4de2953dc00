"""Cutting bytes into the pieces in which they arrive."""

LARGEST_PIECE = 65536
"""What a worker receives at once."""


def cut(data, sizes):
    """Pieces of these sizes, again and again; a size of 0 is the largest there is."""
    pieces, at, turn = [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)] or LARGEST_PIECE
        pieces.append(data[at : at + size])
        at += size
        turn += 1
    return pieces


def swell(data, count, size):
    """`data` with its last `count` bytes repeated as long as it has no more than `size`."""
    tail = data[-count:]
    return data + tail * max(0, (size - len(data)) // max(1, len(tail)))
