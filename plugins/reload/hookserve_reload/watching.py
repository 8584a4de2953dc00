"""The watching process: looks at the files, and has the arbiter reload when one has changed."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence

from hookserve_reload.loaded import LoadedFiles
from hookserve_reload.waiting import Waiting
from hookserve_reload.watched import Watched

_UNTIL_REPORTED = 0.1
"""Seconds between two looks for the first report of a worker."""
_QUIET = 0.05
"""Seconds without a change, after which what was saved together is taken to be complete."""
_MOST_LOOKS = 20
"""So often at most: what is saved without end is reloaded meanwhile."""
_MOST_NAMED = 3


def watch(
    watched: Watched,
    loaded: LoadedFiles,
    waiting: Waiting,
    request_reload: Callable[[Sequence[str]], None],
) -> None:
    """Call `request_reload` with what has changed, for each change; never returns."""
    while not (reported := loaded.read()):
        time.sleep(_UNTIL_REPORTED)
    watched.add(reported)
    while True:
        changed = watched.changes()
        if changed:
            changed = _with_what_follows(watched, changed)
            # Before the reload begins: what it does not find may be saved while it fails.
            watched.include_projects()
            request_reload(changed)
        waiting.wait(watched.directories)
        watched.add(loaded.read())


def _with_what_follows(watched: Watched, changed: Iterable[str]) -> list[str]:
    """All that is saved together, once it is; an editor's rename is one change."""
    found = set(changed)
    for _ in range(_MOST_LOOKS):
        time.sleep(_QUIET)
        more = watched.changes()
        if not more:
            break
        found.update(more)
    return sorted(found)


class Requests:
    """Has the arbiter reload, and says why."""

    def __init__(self, arbiter: int, imported: Iterable[str]) -> None:
        """`imported` are files that the arbiter has imported and does not import again."""
        self._arbiter = arbiter
        self._imported = frozenset(imported)

    def __call__(self, changed: Sequence[str]) -> None:
        """Reload because these files have changed."""
        log = logging.getLogger("hookserve")
        log.info("%s changed: asking for a reload", _named(changed))
        stale = [path for path in changed if path in self._imported]
        if stale:
            log.warning(
                "%s: the arbiter has imported it, a reload does not change that (start again)",
                _named(stale),
            )
        # Another process may have its id once it is gone.
        if os.getppid() == self._arbiter:
            os.kill(self._arbiter, signal.SIGHUP)


def _named(paths: Sequence[str]) -> str:
    """The first of the paths, as a person in the working directory would write them."""
    here = os.path.join(os.getcwd(), "")
    shown = ", ".join(path.removeprefix(here) for path in paths[:_MOST_NAMED])
    more = len(paths) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
