"""What a protocol whose applications are coroutines needs of a worker model, besides `Worker`.

Everything runs in the thread of the loop, which is the one that drives the connections.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio


class RunsCoroutines(Protocol):
    """A worker model with an event loop of asyncio's."""

    loop: asyncio.AbstractEventLoop
    """It does not run yet while `Worker.prepare` is called, nor any more in `Worker.finish`."""

    @abstractmethod
    def start_coroutine(
        self,
        coroutine: Coroutine[Any, Any, object],  # Any: what it yields is between it and the loop
        /,
    ) -> asyncio.Task[object] | None:
        """Run a coroutine until it ends or suspends.

        Returns `None` when it has ended, raising what it raised; otherwise its task, which the
        worker waits for when it drains, and cancels at the end.
        """
