"""Reload (HUP) as a transaction.

Everything new is made aside: plugins and configuration, loggers, listeners.  If any of it cannot
be, nothing has changed.  Then the arbiter's generation goes up, which makes every worker outdated;
the arbiter's balance replaces one (the canary), then the rest.  If the canary cannot boot, the
previous assembly is put back and the old workers, which never stopped, serve on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from hookserve.arbiter.handles import READY, WorkerHandle
from hookserve.arbiter.preparation import (
    ServingClasses,
    count_workers,
    load_serving_classes,
    register_configured,
    register_loggers,
)
from hookserve.arbiter.reexec import Reexec
from hookserve.errors import HookserveError
from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.launch.assembly import Assembly
    from hookserve.listeners.listeners import Listener


class _Previous(NamedTuple):
    """What to go back to."""

    assembly: Assembly
    crew: ServingClasses
    listeners: tuple[Listener, ...]
    generation: int
    wanted: int


class Reload:
    """The reload under way, if there is one."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self.reexec = Reexec(arbiter)
        self._previous: _Previous | None = None
        self._is_wanted_again = False

    def begin(self) -> None:
        """Start a reload; during one, another follows when it is over."""
        arbiter = self._arbiter
        if arbiter.is_stopping:
            return
        if self._previous is not None or self.reexec.is_under_way:
            self._is_wanted_again = True
            return
        if arbiter.app is not None and hasattr(os, "memfd_create"):
            arbiter.log.info("reloading: the new code is put on probation")
            self.reexec.begin()
            return
        arbiter.log.info("reloading")
        previous = _Previous(
            arbiter.assembly, arbiter.crew, arbiter.listeners, arbiter.generation,
            arbiter.num_workers,
        )  # fmt: skip
        opened: list[Listener] = []
        try:
            assembly = arbiter.reassemble()
            crew = load_serving_classes(assembly.host, assembly.config)
            workers, _ = count_workers(assembly.config)
            register_loggers(assembly.host, assembly.config)
            register_configured(assembly.host, assembly.config)
            listeners = self._open_listeners(assembly, previous)
            opened = [each for each in listeners if each not in previous.listeners]
            arbiter.assembly = assembly
            calling.fire(assembly.host.hook.on_reload, server=arbiter)
        except HookserveError as error:
            arbiter.assembly = previous.assembly
            _discard(opened)
            self.fail(str(error))
            return
        self._previous = previous
        arbiter.crew = crew
        arbiter.listeners = tuple(listeners)
        arbiter.generation += 1
        arbiter.reset_backoff()
        arbiter.pool.factory.fit_scoreboard()
        if arbiter.app is not None:
            arbiter.log.warning("the application is preloaded: a reload does not change its code")
        target = arbiter.ticker.target()
        arbiter.set_wanted(workers if target is None else target)

    def resume(self, generation: int, listeners: tuple[Listener, ...]) -> None:
        """This process was executed anew to reload: `generation` is that of the workers that
        serve on, from `listeners`."""
        arbiter = self._arbiter
        self._previous = _Previous(
            arbiter.assembly, arbiter.crew, listeners, generation, arbiter.num_workers
        )
        arbiter.generation = generation + 1

    def fail(self, reason: str) -> None:
        """Give a reload up."""
        arbiter = self._arbiter
        calling.notify(arbiter.assembly.host.hook.reload_failed, server=arbiter, reason=reason)
        arbiter.log.error("the reload was given up, the old workers serve on: %s", reason)
        self._go_on()

    def attend(self) -> None:
        """Commit the reload once a worker of the new generation is ready, and finish it once
        every worker is."""
        arbiter, previous = self._arbiter, self._previous
        self.reexec.attend()
        if previous is None or arbiter.is_stopping:
            return
        removed = self._removed()
        if self._canary_ready() or not arbiter.num_workers:
            self._give_up(removed)
        if any(
            each.generation < arbiter.generation and each.is_serving
            for each in arbiter.worker_table
        ):
            return
        if not any(each.state == READY for each in arbiter.worker_table) and arbiter.num_workers:
            return
        self._previous = None
        _discard(removed)
        arbiter.log.info("reloaded: generation %d", arbiter.generation)
        try:
            arbiter.auxiliaries.gather()
        except HookserveError as error:
            arbiter.log.error("%s", error)
        calling.notify(arbiter.assembly.host.hook.reloaded, server=arbiter)
        self._go_on()

    def boot_failed(self, handle: WorkerHandle, text: str) -> None:
        """A worker could not boot; if the new generation is not proven, go back."""
        arbiter, previous = self._arbiter, self._previous
        if previous is None or handle.generation < arbiter.generation:
            return
        if self._canary_ready():
            return
        new_listeners = arbiter.listeners
        arbiter.assembly = previous.assembly
        arbiter.crew = previous.crew
        arbiter.listeners = previous.listeners
        arbiter.generation = previous.generation
        self._previous = None
        arbiter.set_wanted(previous.wanted)
        arbiter.reset_backoff()
        _discard(each for each in new_listeners if each not in previous.listeners)
        self.fail(text)

    def descriptors(self) -> list[int]:
        """What a child must not keep: the listeners that only older workers accept from."""
        return [listener.fileno() for listener in self._removed()]

    def _removed(self) -> list[Listener]:
        if self._previous is None:
            return []
        return [each for each in self._previous.listeners if each not in self._arbiter.listeners]

    def _canary_ready(self) -> bool:
        """Whether a worker of the new generation has ever been ready: there is no way back."""
        arbiter = self._arbiter
        return any(
            each.generation == arbiter.generation and each.ready_at for each in arbiter.worker_table
        )

    def _give_up(self, listeners: Iterable[Listener]) -> None:
        """Let nobody new in there, and have the old workers serve everybody who waits before they
        go: after them nobody will.  Another arbiter's clients may come to a shared listener."""
        if self._arbiter.upgrade.is_shared:
            return
        for listener in listeners:
            if not listener.refuses_new_connections:
                listener.refuse_new_connections()
                for handle in self._arbiter.worker_table:
                    handle.send("give up", str(listener.address))

    def _go_on(self) -> None:
        if self._is_wanted_again:
            self._is_wanted_again = False
            self.begin()

    def _open_listeners(self, assembly: Assembly, previous: _Previous) -> list[Listener]:
        found = calling.fire(assembly.host.hook.open_listeners, assembly.config, previous.listeners)
        return list(found)  # type: ignore[call-overload,no-any-return]  # the core's own answer is never None


def _discard(listeners: Iterable[Listener]) -> None:
    for listener in listeners:
        listener.close()
        listener.remove()
