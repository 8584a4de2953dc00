"""Forks the arbiter's children, and makes workers of them.

Signals are held back around the fork: one that is sent to the child before it has taken its
signals over waits, instead of running the arbiter's handler in the wrong process.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar, cast

from hookserve.arbiter.signals import Blocked
from hookserve.errors import HookserveError
from hookserve.plugins.target import load_target
from hookserve.system import privileges
from hookserve.system.calls import close
from hookserve.system.title import set_title
from hookserve.worker.base import Worker
from hookserve.worker.channel import WorkerEnd, open_channel
from hookserve.worker.context import WorkerContext
from hookserve.worker.process import WorkerProcess

if TYPE_CHECKING:
    from hookserve.arbiter.handles import WorkerHandle
    from hookserve.config.resolved import Config
    from hookserve.system.processes import Processes
    from hookserve.types import WorkerType

ContextMaker = Callable[["WorkerHandle", WorkerEnd, Callable[[], None]], WorkerContext]


class _End(Protocol):
    def close(self) -> None: ...


_Ours = TypeVar("_Ours", bound=_End)
_Theirs = TypeVar("_Theirs", bound=_End)


def fork_child(
    processes: Processes,
    ends: tuple[_Ours, _Theirs],
    become: Callable[[_Theirs, Callable[[], None]], NoReturn],
) -> int:
    """Fork a child that has the second end of a channel; its process id.

    The child calls ``become(end, unblock)`` and ends with it, whatever that raises.  Raises OSError
    when there can be no process now; both ends are closed then.
    """
    ours, theirs = ends
    try:
        with Blocked() as unblock:
            pid = processes.fork()
            if pid == 0:
                try:
                    become(theirs, unblock)
                finally:
                    os._exit(1)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
    return pid


def fork_worker(
    processes: Processes,
    handle: WorkerHandle,
    make_context: ContextMaker,
    descriptors: Iterable[int],
) -> None:
    """Fork one worker and fill in the handle; raises OSError when there can be no process now.

    `descriptors` are the arbiter's own, which the child closes.
    """
    ends = open_channel()
    descriptors = [*descriptors, ends[0].fileno()]

    def become(channel: WorkerEnd, unblock: Callable[[], None]) -> NoReturn:
        _become_worker(handle, make_context, channel, descriptors, unblock)

    handle.pid = fork_child(processes, ends, become)
    handle.channel = ends[0]


def _become_worker(
    handle: WorkerHandle,
    make_context: ContextMaker,
    channel: WorkerEnd,
    descriptors: Iterable[int],
    unblock: Callable[[], None],
) -> NoReturn:
    """The child's first steps; never returns into the arbiter's code."""
    try:
        signal.set_wakeup_fd(-1)
        for descriptor in descriptors:
            close(descriptor)
        config = handle.config
        context = make_context(handle, channel, privilege_dropper(config))
        set_title(config.proc_name, f"worker {handle.index}")
        set_environment(config)
        process = WorkerProcess(_make_worker(context))
        process.install_signals()
        unblock()
        process.run_to_end()
    except HookserveError as error:
        channel.send("boot failed", str(error), error.exit_code)
    except BaseException:
        channel.send("boot failed", traceback.format_exc(), 3)
    finally:
        sys.stderr.flush()
        os._exit(3)


def _make_worker(context: WorkerContext) -> Worker:
    if context.app is None:
        patch(context.worker_type)
    worker_class = cast("type[Worker]", load_target(context.worker_type.target))
    return worker_class(context)


def set_environment(config: Config) -> None:
    """Set the variables of `raw_env` in this process."""
    for word in config.raw_env:
        name, _, value = word.partition("=")
        os.environ[name] = value


def patch(worker_type: WorkerType) -> None:
    """Let the model patch the standard library, if it does; raises BootError when it is too late.

    Its class has been imported before, and with it everything of the core that a worker uses.
    """
    if worker_type.patch is not None:
        cast("Callable[[], None]", load_target(worker_type.patch))()


def privilege_dropper(config: Config) -> Callable[[], None]:
    """A function that takes on the user and group of the configuration.

    The names are resolved now, so that a wrong one is an error before anything is forked.
    Raises ConfigError.
    """
    uid, group_of_user = privileges.resolve_user(config.user) if config.user else (None, None)
    gid = privileges.resolve_group(config.group) if config.group else group_of_user
    if config.initgroups and uid is not None:
        privileges.require_account(uid)

    def drop() -> None:
        if uid is not None or gid is not None:
            privileges.drop(uid, gid, initgroups=config.initgroups)

    return drop


def freeze_memory() -> None:
    """Move everything that exists out of the collector's reach, so that it does not write to
    pages that workers share with the arbiter; from now on it collects."""
    gc.collect()
    gc.freeze()
    gc.enable()
