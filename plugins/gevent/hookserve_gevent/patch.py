"""Makes the standard library cooperative, before the application is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hookserve.reactor.patching import PatchCheck


def patch() -> None:
    """Patch everything that gevent can; raises BootError naming a module that came too early."""
    check = PatchCheck()
    from gevent import monkey

    with _entry_points_are_read_once():
        monkey.patch_all()
    check.check_stale_references("gevent", ("gevent", "greenlet", "zope"))


@contextmanager
def _entry_points_are_read_once() -> Iterator[None]:
    """Within the block, all entry points that are installed are read once and kept.

    gevent looks for listeners before and after each module that it patches, 25 times in all.  Where
    a hundred distributions are installed, that was half of the processor time of a worker's boot.
    """
    from importlib import metadata

    found = metadata.entry_points()

    # Any: the standard library's own types differ between versions.
    def entry_points(**selection: Any) -> Any:
        return found.select(**selection)

    read = metadata.entry_points
    metadata.entry_points = entry_points
    try:
        yield
    finally:
        metadata.entry_points = read
