"""The directories that the server itself puts in front of ``sys.path``.

A reload takes them out again and puts in those of its own configuration: modules of a release that
a link does not lead to any more are not found.
"""

from __future__ import annotations

import sys

_ours: set[str] = set()
"""Every directory that was put in; like ``sys.path`` it belongs to the process."""


def put_first(directory: str) -> None:
    """Search this directory first, unless it is searched already."""
    if directory not in sys.path:
        sys.path.insert(0, directory)
        _ours.add(directory)


def take_out() -> None:
    """Search none of the directories that `put_first` has added; whatever others did stays."""
    sys.path[:] = [entry for entry in sys.path if entry not in _ours]
