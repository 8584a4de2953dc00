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
from sys import getrefcount
from typing import Any, NoReturn
from weakref import getweakrefcount

AnyCoroutine = Coroutine[Any, Any, object]  # Any: what it yields is between it and asyncio
"""What can be started."""


class CoroutineStarter:
    """Starts coroutines on an event loop, in its thread.

    Each has a copy of the context in which this object was made (PEP 567).
    """

    __slots__ = ("_context", "_loop", "_prepared", "tasks")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._context = copy_context()
        self._prepared: _PreparedTask | None = None
        """The one for the next coroutine."""
        self.tasks: dict[asyncio.Task[object], None] = {}
        """Those that have suspended and not ended, in the order of their start."""

    def start(self, coroutine: AnyCoroutine) -> asyncio.Task[object] | None:
        """Run a coroutine until it ends or suspends.

        Returns `None` when it has ended, raising what it raised; otherwise its task.
        """
        loop, prepared = self._loop, self._prepared
        if prepared is None:
            prepared = self._prepared = _PreparedTask(loop, self._context)
        try:
            _enter_task(loop, prepared.task)
        except RuntimeError:  # a task runs at this moment: the coroutine begins after its step
            task = asyncio.Task(coroutine, loop=loop, context=self._context.copy())
            return self._keep(task)
        try:
            prepared.carrier.coroutine = coroutine
            try:
                run = prepared.run
                awaited = run(coroutine.send, None)
            finally:
                _leave_task(loop, prepared.task)
        except StopIteration:
            if not prepared.is_as_new():
                self.close()
            return None
        except BaseException:
            self.close()
            raise
        self._prepared = None
        prepared.carrier.carry(awaited)
        return self._keep(prepared.task)

    def close(self) -> None:
        """Release the task that is kept for the next coroutine."""
        if self._prepared is not None:
            self._prepared.carrier.release()
            self._prepared = None

    def _keep(self, task: asyncio.Task[object]) -> asyncio.Task[object]:
        self.tasks[task] = None
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[object]) -> None:
        self.tasks.pop(task, None)


class _PreparedTask:
    """A task that waits for its coroutine, and by what it can be told that one has left a trace."""

    __slots__ = ("_name", "_references", "_variables", "carrier", "context", "run", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop, context: Context) -> None:
        self.context = context.copy()
        self.run = self.context.run
        self.carrier = _Carrier(loop)
        # Not by the loop: a factory of the application's may begin what it is called with.
        self.task: asyncio.Task[object] = asyncio.Task(
            self.carrier, loop=loop, context=self.context
        )
        self._variables = tuple(context.items())
        self._name = self.task.get_name()
        self._references = getrefcount(self.task), getweakrefcount(self.task)

    def is_as_new(self) -> bool:
        """Whether a coroutine that has ended has left nothing at the task: no variable of the
        context, no reference by which the next would be taken for it."""
        task, context, variables = self.task, self.context, self._variables
        references, weak_references = self._references
        return (
            getrefcount(task) - 1 == references  # one is the local name's
            and getweakrefcount(task) == weak_references
            and task.get_name() is self._name
            and not task.cancelling()
            and task._callbacks is None
            and len(context) == len(variables)
            and (not variables or all(context.get(name, _end) is it for name, it in variables))
        )


def _end(*_: object) -> NoReturn:
    """As `send` and `throw` of a coroutine that ends."""
    raise StopIteration


class _Carrier:
    """What a prepared task runs, until it has a coroutine; to asyncio it is that coroutine.

    The task refers to it and it not to the task: no work for the garbage collector.
    """

    __slots__ = ("_awaited", "_loop", "_waiter", "coroutine", "send", "throw")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.send: Callable[[Any], object] = self._wait  # Any: as of a coroutine
        self.throw: Callable[..., object] = _end
        self.coroutine: AnyCoroutine | None = None
        """The one whose steps these are, or that has ended without needing the task."""
        self._awaited: Any = None  # Any: as above
        self._waiter: asyncio.Future[None] | None = None

    def release(self) -> None:
        """The task ends: there is no coroutine for it, or one that has ended."""
        self.coroutine = None
        self.send = self.throw = _end
        self._wake()

    def carry(self, awaited: object) -> None:
        """Go on with the coroutine, which has suspended and waits for `awaited`."""
        self._awaited = awaited
        self.send, self.throw = self._hand_over, self._interrupt
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __getattr__(self, name: str) -> Any:  # Any: whatever is asked for
        """As of the coroutine, for those who print stacks or ask whether it has begun."""
        return getattr(object.__getattribute__(self, "coroutine"), name)

    def close(self) -> None:
        """As of a coroutine."""
        if self.coroutine is not None:
            self.coroutine.close()

    # Steps of the task.

    def _wait(self, value: object) -> object:
        """The first one, before there is a coroutine."""
        self._waiter = waiter = self._loop.create_future()
        waiter._asyncio_future_blocking = True
        return waiter

    def _hand_over(self, value: object) -> object:
        """The first one with a coroutine: it waits already."""
        coroutine, awaited = self._take()
        if awaited is None and self._waiter is not None:
            return coroutine.send(None)  # this step comes after what was due before it
        return awaited

    def _interrupt(self, *error: Any) -> object:  # Any: as throw() of a coroutine
        """The same, when the task was cancelled before: what the coroutine waits for is cancelled,
        as a task does it, and tells the coroutine."""
        coroutine, awaited = self._take()
        if getattr(awaited, "_asyncio_future_blocking", False):
            if awaited.cancel(*error[-1].args[:1]):
                return awaited
            awaited._asyncio_future_blocking = False
        return coroutine.throw(*error)

    def _take(self) -> tuple[AnyCoroutine, Any]:  # Any: as above
        coroutine, awaited, self._awaited = self.coroutine, self._awaited, None
        assert coroutine is not None
        self.send, self.throw = coroutine.send, coroutine.throw
        return coroutine, awaited


Coroutine.register(_Carrier)
