"""Starting coroutines: one that never suspends needs no task of its own.

A task for each request is what an event loop charges before the application has done anything.  So
a coroutine is begun within the call that starts it, as `asyncio.eager_task_factory` does from
CPython 3.12 on; its task is made beforehand, and used again when the coroutine has ended without
needing it.

`asyncio.current_task` is right from the first step on, because timeouts and task groups rest on
it.  What makes it so is in "Extending asyncio" of the library reference.
"""

from __future__ import annotations

import asyncio
from asyncio import _enter_task, _leave_task
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from types import FrameType
from typing import Any

AnyCoroutine = Coroutine[Any, Any, object]  # Any: what it yields is between it and asyncio


class CoroutineStarter:
    """Starts coroutines on an event loop, in its thread.

    Each has a copy of the context in which this object was made (PEP 567).
    """

    __slots__ = ("_carrier", "_context", "_loop", "tasks")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._context = copy_context()
        self._carrier: _Carrier | None = None
        """The one for the next coroutine."""
        self.tasks: dict[asyncio.Task[object], None] = {}
        """Those that have suspended and not ended, in the order of their start."""

    def start(self, coroutine: AnyCoroutine) -> asyncio.Task[object] | None:
        """Run a coroutine until it ends or suspends.

        Returns `None` when it has ended, raising what it raised; otherwise its task.
        """
        carrier, self._carrier = self._carrier, None
        if carrier is None:
            carrier = _Carrier(self._loop, self._context.copy())
        task, context = carrier.task, carrier.context
        try:
            _enter_task(self._loop, task)
        except RuntimeError:  # a task runs at this moment: the coroutine begins after its step
            self._carrier = carrier
            return self._keep(self._loop.create_task(coroutine, context=self._context.copy()))
        try:
            awaited = context.run(coroutine.send, None)
        except StopIteration:
            if context == self._context and not task.cancelling():
                self._carrier = carrier  # as good as new
            else:
                task.cancel()
            return None
        except BaseException:
            task.cancel()
            raise
        finally:
            _leave_task(self._loop, task)
        carrier.carry(coroutine, awaited)
        return self._keep(task)

    def close(self) -> None:
        """Release the task that is kept for the next coroutine."""
        if self._carrier is not None:
            self._carrier.task.cancel()
            self._carrier = None

    def _keep(self, task: asyncio.Task[object]) -> asyncio.Task[object]:
        self.tasks[task] = None
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[object]) -> None:
        self.tasks.pop(task, None)


class _Carrier:
    """A task that waits for a coroutine to go on with; to asyncio it is that coroutine."""

    __slots__ = ("_awaited", "_coroutine", "_loop", "_waiter", "context", "send", "task", "throw")

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        self._loop = loop
        self.context = context
        self.send: Callable[[Any], object] = self._wait  # Any: as of a coroutine
        self.throw: Callable[..., object] = self._end
        self._coroutine: AnyCoroutine | None = None
        self._awaited: object = None
        self._waiter: asyncio.Future[None] | None = None
        self.task: asyncio.Task[object] = loop.create_task(self, context=context)  # type: ignore[arg-type]  # registered below

    def carry(self, coroutine: AnyCoroutine, awaited: object) -> None:
        """Go on with a coroutine that has suspended, waiting for `awaited`."""
        self._coroutine, self._awaited = coroutine, awaited
        self.send = self._hand_over
        self.throw = coroutine.throw
        del self.task  # it refers to this object: no work for the garbage collector
        if self._waiter is not None:
            self._waiter.set_result(None)

    def close(self) -> None:
        """As of a coroutine."""
        if self._coroutine is not None:
            self._coroutine.close()

    @property
    def cr_frame(self) -> FrameType | None:
        """The frame of the coroutine, for those who print stacks."""
        return getattr(self._coroutine, "cr_frame", None)

    @property
    def cr_await(self) -> object:
        """What the coroutine awaits."""
        return getattr(self._coroutine, "cr_await", None)

    def _wait(self, value: object) -> object:
        """The task's first step, before there is a coroutine."""
        self._waiter = waiter = self._loop.create_future()
        waiter._asyncio_future_blocking = True
        return waiter

    def _hand_over(self, value: object) -> object:
        """The first step with a coroutine: it waits already."""
        assert self._coroutine is not None
        self.send = self._coroutine.send
        awaited, self._awaited = self._awaited, None
        return awaited

    def _end(self, *error: Any) -> object:  # Any: as throw() of a coroutine
        raise error[-1] if isinstance(error[-1], BaseException) else error[0]


Coroutine.register(_Carrier)
