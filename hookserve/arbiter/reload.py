"""Reload (HUP) as a transaction.

Everything new is made aside: plugins and configuration, loggers, listeners.  If any of it cannot
be made, for whatever reason, the working directory, ``sys.path`` and the loggers are restored, and
nothing has changed.  Then the new generation is committed by one assignment, which makes
every worker outdated::

    HUP ──▶ prepare ──▶ commit ──▶ canary boots ──▶ canary ready ──▶ all replaced ──▶ complete
               │                        │
               └── refused              └── it cannot boot: the previous generation is restored

The worker pool replaces one worker (the canary), then the rest.  Until the canary is ready the
previous generation can be restored; its workers never stopped serving, and there are as many of
them as before: the number of workers that the new configuration asks for counts from then on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

from hookserve.arbiter.generation import Generation, ProcessPaths
from hookserve.arbiter.handles import READY, WorkerHandle
from hookserve.arbiter.parts import Part
from hookserve.arbiter.preparation import (
    load_serving_classes,
    register_configured,
    register_loggers,
)
from hookserve.config.workers import count_workers
from hookserve.errors import HookserveError
from hookserve.plugins import calling
from hookserve.wording import describe, exception_in

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.launch.assembly import Assembly
    from hookserve.listeners.listener import Listener


class Reload(Part):
    """The reload under way, if there is one: the arbiter has a previous generation then."""

    def __init__(self, arbiter: Arbiter, reassemble: Callable[[], Assembly]) -> None:
        self._arbiter = arbiter
        self._reassemble = reassemble
        self._is_wanted_again = False
        self._asked_by = "the one before it"  # whose process is replaced by a re-exec
        self._next_wanted: int | None = None
        """How many workers to keep once the reload cannot be cancelled; `None`: as many as now."""
        self._was_canary_ready = False
        self._are_auxiliaries_new = False

    def descriptors(self) -> list[int]:
        """The listeners that only workers of the previous generation accept from; one that has
        no clients left is closed already."""
        found = (listener.fileno() for listener in self._removed())
        return [each for each in found if each >= 0]

    @property
    def can_be_cancelled(self) -> bool:
        """Whether a reload is under way, and no worker of the new generation was ever ready."""
        return self._arbiter.previous is not None and not self._canary_ready()

    def begin(self, asked_by: str) -> None:
        """Start a reload; during one, another follows when it is over.  One that needs a re-exec
        waits for the end of an upgrade."""
        arbiter = self._arbiter
        if arbiter.is_draining:
            arbiter.log.warning("no reload, asked by %s: the server is stopping", asked_by)
            return
        self._asked_by = asked_by
        if not self._is_wanted_again:
            arbiter.publication.on_reload()
        if arbiter.previous is not None or arbiter.reexec.is_under_way:
            self._is_wanted_again = True
            return
        self._start()

    def _start(self) -> None:
        arbiter = self._arbiter
        if arbiter.current.app is not None and hasattr(os, "memfd_create"):
            self._start_reexec()
            return
        arbiter.log.info("reloading, asked by %s", self._asked_by)
        current, undo = arbiter.current, ExitStack()
        try:
            generation = self._prepare(undo)
            # The number of workers changes later, where the hook is called for it.
            arbiter.current = generation._replace(wanted=current.wanted)
            calling.fire(generation.hook.on_reload, server=arbiter)
            generation.take_effect()
        except Exception as error:  # what a setting names may raise anything
            arbiter.current = current
            self._refuse(error, undo)
            return
        arbiter.begin_generation(generation.wanted)
        if arbiter.current.app is not None:
            arbiter.log.warning("the application is preloaded: a reload does not change its code")
        self._commit(current, generation.wanted)

    def _start_reexec(self) -> None:
        """Begin with the dry run, unless another arbiter shares listeners and pidfile: a re-exec
        would cut the channel, by which each of the two knows that the other lives."""
        arbiter = self._arbiter
        if arbiter.upgrade.is_shared:
            self._is_wanted_again = True
            message = "the reload begins when the %s is gone, asked by %s"
            arbiter.log.info(message, arbiter.upgrade.other, self._asked_by)
            return
        message = "reloading, asked by %s: the new code is tried in a dry run"
        arbiter.log.info(message, self._asked_by)
        arbiter.reexec.begin()

    def _prepare(self, undo: ExitStack) -> Generation:
        """The next generation; `undo` gets what frees what was made for it."""
        current = self._arbiter.current
        assembly = self._reassemble()
        undo.callback(calling.notify, assembly.host.hook.retired)
        interface = current.classes.found_interface
        classes = load_serving_classes(assembly.host, assembly.config, interface)
        workers, _ = count_workers(assembly.config)
        register_loggers(assembly.host, assembly.config)
        register_configured(assembly.host, assembly.config)
        hook = assembly.host.hook.open_listeners
        found = calling.fire(hook, assembly.config, current.listeners)
        # The core's own implementation always returns some.
        listeners = tuple(cast("Sequence[Listener]", found))
        undo.callback(_discard, [each for each in listeners if each not in current.listeners])
        paths = ProcessPaths.current()
        number = current.number + 1
        return Generation(number, assembly, classes, workers, listeners, current.app, paths)

    def _refuse(self, error: Exception, undo: ExitStack) -> None:
        """The current generation stays, and the process is as it was."""
        self._restore_process()
        if not isinstance(error, HookserveError):
            self._arbiter.log.error("a reload failed unexpectedly", exc_info=error)
        try:
            undo.close()
        finally:
            self.fail(describe(error))

    def _commit(self, previous: Generation, wanted: int) -> None:
        """The current generation is to replace the `previous` one, and to keep `wanted` workers."""
        self._next_wanted, self._was_canary_ready = wanted, False
        self._are_auxiliaries_new = False
        if not previous.wanted:
            self._change_wanted()  # all were drained: none serves that could become fewer
        self._arbiter.previous = previous

    def _change_wanted(self) -> None:
        """Keep as many workers as the configuration says, or a plugin that decides it."""
        count, self._next_wanted = self._next_wanted, None
        if count is not None:
            target = self._arbiter.ticker.target()
            self._arbiter.set_wanted(count if target is None else target, "a reload")

    def keep_wanted(self, count: int) -> None:
        """A number of workers is asked for: a reload under way does not change it any more,
        whatever comes of it."""
        if self._arbiter.previous is not None:
            self._arbiter.previous = self._arbiter.previous._replace(wanted=count)
            self._next_wanted = None

    def fail(self, reason: str, is_logged: bool = False) -> None:
        """A reload is over without effect; a reason that `is_logged` is not logged in full."""
        arbiter = self._arbiter
        calling.notify(arbiter.hook.reload_failed, server=arbiter, reason=reason)
        first, *others = reason.splitlines() or [""]
        short = f"{first}: {exception_in(reason)}" if others else first
        arbiter.publication.on_reload_end(short or "no reason is known")
        reason = short if is_logged else reason
        arbiter.log.error("the reload was cancelled, the old workers serve on: %s", reason)
        self._begin_again_if_wanted()

    def step(self, now: float) -> None:
        """Change the number of workers and retire removed listeners once the canary is ready;
        complete the reload once every worker is of the new generation."""
        arbiter = self._arbiter
        if arbiter.previous is None:
            if not (arbiter.reexec.is_under_way or arbiter.upgrade.is_shared):
                self._begin_again_if_wanted()  # an upgrade has ended
            return
        if arbiter.is_stopping:
            return
        if self._canary_ready() or not arbiter.num_workers:
            self._was_canary_ready = True
            if len(arbiter.scoreboards) > 1:
                # Those of before do not see the new workers: to them none would serve any more.
                self._replace_auxiliaries()
            self._change_wanted()
            self._retire(self._removed())
        table = arbiter.worker_table
        if any(each.generation < arbiter.generation and each.is_serving for each in table):
            return
        if not any(each.state == READY for each in table) and arbiter.num_workers:
            return
        self._complete()

    def _complete(self) -> None:
        arbiter = self._arbiter
        removed, previous = self._removed(), arbiter.previous
        arbiter.previous = None
        _discard(removed)
        if previous is not None:
            _retire_plugins(previous, arbiter.current)
        arbiter.log.info("reloaded: generation %d", arbiter.generation)
        self._replace_auxiliaries()
        calling.notify(arbiter.hook.reloaded, server=arbiter)
        arbiter.publication.on_reload_end()
        self._begin_again_if_wanted()

    def _replace_auxiliaries(self) -> None:
        """Restart the auxiliary processes, once in a reload."""
        if not self._are_auxiliaries_new:
            self._are_auxiliaries_new = True
            self._arbiter.auxiliaries.restart()

    def on_boot_failure(self, handle: WorkerHandle, text: str) -> None:
        """A worker could not boot: restore the previous generation, unless the canary was ready."""
        arbiter, previous = self._arbiter, self._arbiter.previous
        if previous is None or handle.generation < arbiter.generation or self._canary_ready():
            return
        failed = arbiter.current
        arbiter.current, arbiter.previous = previous._replace(wanted=failed.wanted), None
        self._restore_process()
        arbiter.set_wanted(previous.wanted, "a reload that has failed")
        for each in arbiter.worker_table:
            if each.generation > previous.number:
                each.retire(arbiter.clock(), each.config.graceful_timeout)
        arbiter.begin_generation()
        _discard(failed.listeners_not_in(previous))
        _retire_plugins(failed, previous)
        self.fail(text, is_logged=True)  # with the end of the worker

    def _restore_process(self) -> None:
        """Paths and loggers of the process are the current generation's again."""
        current = self._arbiter.current
        try:
            current.take_effect()
        except HookserveError as error:
            self._arbiter.log.error("%s", error)

    def _removed(self) -> list[Listener]:
        previous = self._arbiter.previous
        return [] if previous is None else previous.listeners_not_in(self._arbiter.current)

    def _canary_ready(self) -> bool:
        """Whether a worker of the new generation has ever been ready: there is no way back."""
        arbiter = self._arbiter
        return self._was_canary_ready or any(
            each.generation == arbiter.generation and each.ready_at for each in arbiter.worker_table
        )

    def _retire(self, listeners: Iterable[Listener]) -> None:
        """Refuse new connections there, and have the old workers serve those that wait before
        they end.  Clients of another arbiter may come to a shared listener: it is left alone."""
        if self._arbiter.upgrade.is_shared:
            return
        retired = [each for each in listeners if not each.refuses_new_connections]
        if retired:
            self._arbiter.retirement.retire(retired)
        for listener in retired:
            for handle in self._arbiter.worker_table:
                handle.send("retire listener", str(listener.address))

    def _begin_again_if_wanted(self) -> None:
        if self._is_wanted_again and not self._arbiter.is_draining:
            self._is_wanted_again = False
            self._start()

    def resume(self, previous: Generation, wanted: int) -> None:
        """After a re-exec: the reload that it was for is under way, and so is what follows it."""
        self._commit(previous, wanted)
        self._are_auxiliaries_new = True  # the loop begins with new ones
        self._is_wanted_again = self._arbiter.publication.record.reloads_wanted > 1


def _retire_plugins(ended: Generation, current: Generation) -> None:
    """Call `retired`; after a re-exec both generations have the same plugins."""
    if ended.assembly is not current.assembly:
        calling.notify(ended.hook.retired)


def _discard(listeners: Iterable[Listener]) -> None:
    for listener in listeners:
        listener.close()
        listener.remove()
