"""What one arbiter hands to the next across exec(2), by descriptor number.

Two arbiters come after another: the successor of a binary upgrade (USR2), which gets the
listeners and serves beside its predecessor; and the same process with new code, when an
application that was preloaded is reloaded (HUP), which gets the workers as well and goes on
watching them.  Either way the rest is read afresh: configuration, plugins, application.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from hookserve.errors import ConfigError
from hookserve.listeners import plugin_listeners
from hookserve.listeners.address import parse_address
from hookserve.listeners.listener import Listener
from hookserve.listeners.opening import SYSTEMD_VARIABLES, inherit_listener
from hookserve.worker.layout import VERSION

if TYPE_CHECKING:
    from hookserve.arbiter.auxiliaries import Auxiliaries
    from hookserve.arbiter.handles import WorkerHandle
    from hookserve.worker.scoreboard import Scoreboard

VARIABLE = "HOOKSERVE_HANDOVER"


class Start(NamedTuple):
    """Where and with what the first arbiter was started: the next ones are started alike."""

    directory: str
    environ: dict[str, str]
    """A `pre_exec` hook may change it; what a service manager handed over is not in it, for it is
    handed on with the listeners."""


def record_start(directory: str, environ: Mapping[str, str]) -> Start:
    """How this arbiter was started."""
    kept = {name: value for name, value in environ.items() if name not in SYSTEMD_VARIABLES}
    return Start(directory, kept)


class HandedListener(NamedTuple):
    """A listening socket."""

    fd: int
    address: str
    inode: int


class HandedPluginListener(NamedTuple):
    """A listening socket of a plugin."""

    address: str
    """As a setting has it: the name of a host stands for several sockets."""
    listener: HandedListener


class HandedScoreboard(NamedTuple):
    """A scoreboard that workers write to."""

    fd: int
    slots: int
    request_slots: int
    version: int = 0
    """Of its layout."""
    fields: Sequence[Sequence[object]] = ()
    """What plugins have declared (`ScoreboardField`)."""


class HandedWorker(NamedTuple):
    """A worker that serves on."""

    pid: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which is not used
    generation: int
    channel: int
    dump_fd: int
    scoreboard: int
    slot: int
    ready_at: float


class HandedAuxiliary(NamedTuple):
    """An auxiliary process that serves on."""

    name: str
    pid: int
    channel: int


class Handover(NamedTuple):
    """Everything that is handed over; empty at an ordinary start."""

    pid: int = 0
    """The process that hands over; 0: none."""
    channel: int = -1
    """A socket whose other end the predecessor holds for as long as it lives; -1: there is none,
    for a re-exec keeps the process, and a dry run ends soon."""
    generation: int = 0
    listeners: Sequence[HandedListener] = ()
    scoreboards: Sequence[HandedScoreboard] = ()
    workers: Sequence[HandedWorker] = ()
    pidfile: int = -1
    """The pidfile, whose lock the process keeps across exec(2); -1: there is none."""
    wanted: int = -1
    """How many workers are kept; -1: as many as are handed over."""
    reloads_requested: Sequence[float] = ()
    """When the reload that it is for was asked for, and the one that follows it, in seconds of the
    monotonic clock."""
    plugin_listeners: Sequence[HandedPluginListener] = ()
    auxiliaries: Sequence[HandedAuxiliary] = ()

    def encode(self) -> str:
        """As the value of the environment variable."""
        import json

        values = self._asdict()
        for name in ("listeners", "scoreboards", "workers"):
            values[name] = [each._asdict() for each in values[name]]
        return json.dumps(values)

    def inherit_listeners(self) -> list[Listener]:
        """The listening sockets, each under its address; raises ListenError."""
        return [_inherit(each) for each in self.listeners]

    def inherit_plugin_listeners(self, plugins: Iterable[object]) -> list[Listener]:
        """Have those of the `plugins` that have the same address go on with its sockets; returns
        what no plugin has any more.  Raises ListenError."""
        found = [
            (parse_address(each.address), _inherit(each.listener)) for each in self.plugin_listeners
        ]
        return plugin_listeners.inherit(found, plugins)

    def descriptors(self) -> list[int]:
        """All descriptors that must survive exec(2)."""
        found = [each.fd for each in self.listeners] + [each.fd for each in self.scoreboards]
        found += [each.listener.fd for each in self.plugin_listeners]
        found += [each.channel for each in self.auxiliaries]
        for worker in self.workers:
            found += [worker.channel, worker.dump_fd]
        return found + [each for each in (self.channel, self.pidfile) if each >= 0]


def take_handover(environ: MutableMapping[str, str]) -> Handover:
    """What was handed to this process; it is taken out of `environ`.

    Raises ConfigError for a value that no arbiter has written.
    """
    text = environ.pop(VARIABLE, "")
    if not text:
        return Handover()
    try:
        made = _decode(text)
        for descriptor in made.descriptors():
            os.set_inheritable(descriptor, False)
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError, OSError):
        raise ConfigError(
            f"{VARIABLE} is malformed (an arbiter sets it for its successor: unset it)"
        ) from None
    return made


def _decode(text: str) -> Handover:
    import json

    values = json.loads(text)
    return Handover(
        int(values["pid"]),
        int(values["channel"]),
        int(values["generation"]),
        [HandedListener(**each) for each in values["listeners"]],
        [HandedScoreboard(**each) for each in values["scoreboards"]],
        [HandedWorker(**each) for each in values["workers"]],
        # What an older version does not hand over:
        int(values.get("pidfile", -1)),
        int(values.get("wanted", -1)),
        tuple(map(float, values.get("reloads_requested", ()))),
        [
            HandedPluginListener(address, HandedListener(*listener))
            for address, listener in values.get("plugin_listeners", ())
        ],
        [HandedAuxiliary(*each) for each in values.get("auxiliaries", ())],
    )


def _inherit(handed: HandedListener) -> Listener:
    return inherit_listener(handed.fd, parse_address(handed.address), handed.inode)


def handed_listeners(listeners: Iterable[Listener]) -> list[HandedListener]:
    """Listeners as they are handed over."""
    return [_handed(each) for each in listeners]


def handed_plugin_listeners(ports_only: bool = False) -> list[HandedPluginListener]:
    """The listeners of all plugins, or those of TCP, as they are handed over."""
    return [
        HandedPluginListener(str(address), _handed(listener))
        for address, listener in plugin_listeners.opened()
        if listener.is_tcp or not ports_only
    ]


def handed_to_dry_run(pid: int, listeners: Iterable[Listener]) -> Handover:
    """All listeners of the arbiter `pid`, for a process that closes them and leaves their paths."""
    of_plugins = [
        each._replace(listener=each.listener._replace(inode=0))
        for each in handed_plugin_listeners()
    ]
    return Handover(
        pid,
        listeners=[each._replace(inode=0) for each in handed_listeners(listeners)],
        plugin_listeners=of_plugins,
    )


def _handed(listener: Listener) -> HandedListener:
    return HandedListener(listener.fileno(), str(listener.address), listener.inode)


def handed_scoreboards(scoreboards: Iterable[Scoreboard]) -> list[HandedScoreboard]:
    """Scoreboards as they are handed over."""
    return [
        HandedScoreboard(
            each.fd, each.slots, each.request_slots, VERSION, [list(f) for f in each.layout.fields]
        )
        for each in scoreboards
    ]


def handed_workers(
    handles: Iterable[WorkerHandle], scoreboards: list[Scoreboard]
) -> list[HandedWorker]:
    """Workers that are ready, as they are handed over."""
    found = []
    for handle in handles:
        if handle.pid is not None and handle.channel is not None and handle.ready_at:
            found.append(
                HandedWorker(
                    handle.pid,
                    handle.index,
                    handle.generation,
                    handle.channel.fileno(),
                    handle.dump_fd,
                    scoreboards.index(handle.scoreboard),
                    handle.slot.number,
                    handle.ready_at,
                )
            )
    return found


def handed_auxiliaries(auxiliaries: Auxiliaries) -> list[HandedAuxiliary]:
    """Auxiliary processes as they are handed over."""
    return [
        HandedAuxiliary(name, pid, channel.fileno()) for name, pid, channel in auxiliaries.running()
    ]


def execute(
    handover: Handover, directory: str, environ: Mapping[str, str], *flags: str
) -> NoReturn:
    """Become the next arbiter: the same command, with more `flags`, from the directory and with
    the environment of the start.

    Raises OSError: then no descriptor can be inherited that could not before, but the directory
    may be another.
    """
    try:
        for descriptor in handover.descriptors():
            os.set_inheritable(descriptor, True)
        os.chdir(directory)
        words = [*sys.orig_argv, *flags]
        os.execve(sys.executable, words, {**environ, VARIABLE: handover.encode()})
    except OSError:
        for descriptor in handover.descriptors():
            os.set_inheritable(descriptor, False)
        raise


def explain_failure(error: OSError, directory: str) -> str:
    """Why the command could not be executed from that directory."""
    if error.filename == directory:
        return f"cannot change to the directory {directory}: {error.strerror}"
    return f"cannot execute {sys.executable}: {error.strerror}"
