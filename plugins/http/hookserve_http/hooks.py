"""The hook of this plugin's own; implemented with ``@hookimpl(optionalhook=True)``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from hookserve.hookmarkers import hookspec

if TYPE_CHECKING:
    from hookserve.worker.base import Worker

Answer = Callable[[], tuple[int, str]]
"""Returns a status and a text."""


class HttpHooks(Protocol):
    """Specified once HTTP's plugin is configured."""

    @hookspec
    def http_answers(self, worker: Worker) -> Iterable[tuple[str, Answer]]:
        """Paths that the server answers itself, before the application, and a function for each
        that returns a status and a text at once, in whatever thread has read the request.

        Runs in: worker, before it is ready.  When it raises: that worker fails to boot.
        """
