"""Every hook; the reference manual is generated from this file.

**Collected** hooks are plural: an implementation returns an iterable, and all items are joined.
**First wins** hooks begin with a verb (and `target_workers`): an implementation returns a value, or
`None` to pass; the core's own come last.  The rest are **notifications** and return nothing.

Each docstring ends with the process that the hook runs in, and what an exception in it leads to.

In the arbiter ``server`` is a `hookserve.server.Server` and ``worker`` a `WorkerInfo`; in a worker
process ``server`` is a read-only `ServerView` and ``worker`` the `Worker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from hookserve.hookmarkers import hookspec
from hookserve.workerspecs import ServingHooks

if TYPE_CHECKING:
    import socket
    import ssl
    from contextlib import AbstractContextManager
    from types import ModuleType

    from hookserve import types
    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
    from hookserve.plugins.host import PluginHost
    from hookserve.protocol import seam
    from hookserve.server import Server, WorkerInfo
    from hookserve.types import ScoreboardField, WorkerType, WSGIApplication
    from hookserve.worker.base import Worker

    AppWrapper = Callable[[WSGIApplication], WSGIApplication] | types.Middleware
    ProtocolWrapper = Callable[[seam.Protocol], seam.Protocol]
    TakeoverAdapter = Callable[[dict[str, object], Callable[..., socket.socket]], None]


class AssemblyHooks(Protocol):
    """Collected while the server is put together."""

    @hookspec
    def settings(self) -> Iterable[types.Setting]:
        """The settings that the plugin reads.

        Runs in: command line.  When it raises: the start fails, naming the plugin.
        """

    @hookspec
    def worker_types(self) -> Iterable[types.WorkerType]:
        """The worker models that the plugin brings.

        Runs in: command line.  When it raises: the start fails, naming the plugin.
        """

    @hookspec
    def protocol_types(self) -> Iterable[types.ProtocolType]:
        """The protocols that the plugin brings.

        Runs in: command line.  When it raises: the start fails, naming the plugin.
        """

    @hookspec
    def logger_types(self) -> Iterable[types.LoggerType]:
        """The loggers that the plugin brings.

        Runs in: command line.  When it raises: the start fails, naming the plugin.
        """

    @hookspec
    def logger_aliases(self, name: str) -> Iterable[str]:
        """Other names by which a configuration of `logging` may name our logger `name`.

        Runs in: arbiter, at each (re)load.  When it raises: the start fails or the reload ends.
        """

    @hookspec
    def commands(self) -> Iterable[types.Command]:
        """The commands that the plugin brings: ``hookserve NAME ...``.

        Runs in: command line.  When it raises: the start fails, naming the plugin.
        """

    @hookspec
    def variables(self) -> Iterable[types.Variable]:
        """Environment variables, beside ours, that give settings or arguments.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec
    def translations(
        self, values: Mapping[str, object], origin: str, host: PluginHost
    ) -> Iterable[types.SettingValue]:
        """What values mean that are written for another server; `None` leaves a value out.  Called
        for each source, with its raw values by setting.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec
    def derived_settings(self, config: Config) -> Iterable[types.SettingValue]:
        """Values that settings get because of others; `config` is what all sources give.  `None`
        gives a setting its default.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec
    def config_files(self) -> Iterable[str]:
        """Names of Python configuration files to look for where there is no hookserve.conf.py.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec
    def file_contexts(self) -> Iterable[AbstractContextManager[object]]:
        """Contexts in which a Python configuration file is run.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec
    def file_plugins(self, module: ModuleType, host: PluginHost) -> Iterable[object]:
        """Plugins found in a Python configuration file; each is registered under the file's name.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec
    def configured_plugins(self, config: Config, host: PluginHost) -> Iterable[object]:
        """Objects whose hooks exist only with this configuration, as a setting of the plugin asks
        for; `retired` tells each that it is not used any more.  The hooks of assembling come too
        late in them.

        Runs in: arbiter, at each (re)load.  When it raises: the start fails or the reload ends.
        """

    @hookspec
    def config_warnings(
        self, config: Config, environ: Mapping[str, str], host: PluginHost
    ) -> Iterable[str]:
        """Faults of the configuration that are no errors, a line each; ``--strict`` refuses them.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec
    def middlewares(self, config: Config) -> Iterable[types.Middleware]:
        """Middleware to put around the application, the first one outermost.  One for another
        interface than the application's is left out with a warning; ``--strict`` refuses it.

        Runs in: worker; arbiter with ``preload_app``.  When it raises: no boot, or no start.
        """

    @hookspec
    def app_wrappers(self, worker: Worker) -> Iterable[AppWrapper]:
        """As `middlewares`, for what needs the worker, and within these.  A function is for WSGI
        applications; a `Middleware` says what it is for.

        Runs in: worker, once the application is loaded.  When it raises: the worker fails to boot.
        """

    @hookspec
    def connection_wrappers(self, worker: Worker) -> Iterable[ProtocolWrapper]:
        """What lies between the sockets and the protocol (`hookserve.protocol.wrappers`): functions
        from the protocol within to the one around it, the first one outermost, next to the socket.

        Runs in: worker, once, before it is ready.  When it raises: that worker fails to boot.
        """

    @hookspec
    def takeover_adapters(self) -> Iterable[TakeoverAdapter]:
        """Other names for ``hookserve.take_over``: functions that are called with the environ of a
        WSGI request whose connection may be taken over, and with that entry, and add their own.

        Runs in: worker, once, before it is ready.  When it raises: that worker fails to boot.
        """

    @hookspec
    def diagnoses(self, config: Config, host: PluginHost) -> Iterable[types.Diagnosis]:
        """What ``hookserve doctor`` says of the machine and the configuration, with remedies.

        Runs in: command line.  When it raises: that is a warning among the others.
        """

    @hookspec
    def tick_intervals(self) -> Iterable[float]:
        """Seconds between two ticks; the least of all, and of `tick_interval`, counts.

        Runs in: arbiter, at each tick.  When it raises: logged, the interval is `tick_interval`.
        """

    @hookspec
    def scoreboard_fields(self, config: Config, model: WorkerType) -> Iterable[ScoreboardField]:
        """Memory that the plugin asks for in each worker's part of the scoreboard, under a `model`.

        Runs in: arbiter, at each (re)load.  When it raises: the start fails; a reload logs it.
        """

    @hookspec
    def auxiliary_processes(self, server: Server) -> Iterable[types.AuxiliaryProcess]:
        """Auxiliary processes that the arbiter supervises, each of which runs exactly once.

        Runs in: arbiter, at each (re)load, after an upgrade.  When it raises: no start, or logged.
        """


class FactoryHooks(Protocol):
    """The first result that is not `None` wins."""

    @hookspec(firstresult=True)
    def explain_unknown(self, kind: str, name: str) -> str | None:
        """What to do about an unknown name; `kind` is ``setting``, ``flag``, ``worker``, or, of one
        at ``module:Class`` that is not ours, ``worker class`` or ``logger class``.

        Runs in: command line; arbiter at a reload.  When it raises: logged, the name is unknown.
        """

    @hookspec(firstresult=True)
    def adapt_file_hook(
        self, name: str, function: Callable[..., object], parameters: Sequence[str]
    ) -> Callable[..., object] | None:
        """What to call in place of a function that a Python configuration file defines under the
        name of a hook.  `function` wants `parameters`; the replacement gets all of the hook's.

        Runs in: command line; arbiter at a reload.  When it raises: that fails.
        """

    @hookspec(firstresult=True)
    def open_listeners(
        self, config: Config, inherited: Sequence[Listener]
    ) -> Sequence[Listener] | None:
        """The listening sockets; `inherited` came from a service manager or a previous arbiter.

        Runs in: arbiter, at each (re)load.  When it raises: the start fails or the reload ends.
        """

    @hookspec(firstresult=True)
    def make_tls_context(self, config: Config) -> ssl.SSLContext | None:
        """The context for TLS, when there is a `certfile`; all workers inherit it.

        Runs in: arbiter, at each (re)load.  When it raises: the start fails or the reload ends.
        """

    @hookspec(firstresult=True)
    def load_app(self, config: Config) -> WSGIApplication | None:
        """The WSGI application.

        Runs in: worker; arbiter with ``preload_app``.  When it raises: no boot, or no start.
        """

    @hookspec(firstresult=True)
    def make_restart_plan(self, server: Server) -> types.RestartPlan | None:
        """The policy of how many workers are replaced at once; asked for after each reload too.

        Runs in: arbiter.  When it raises: logged, the built-in plan is used.
        """

    @hookspec(firstresult=True)
    def target_workers(self, server: Server, stats: Mapping[str, float]) -> int | None:
        """How many workers there should be; `stats`: the workers' counters summed, and `workers`.

        Runs in: arbiter, at each tick and reload.  When it raises: logged, the number stays.
        """


class ArbiterHooks(Protocol):
    """The life of the arbiter."""

    @hookspec
    def on_starting(self, server: Server) -> None:
        """The configuration is final; the listeners open next.

        Runs in: arbiter.  When it raises: the start fails, naming the plugin; after the re-exec of
        a reload (``preload_app``) it is logged.
        """

    @hookspec
    def when_ready(self, server: Server) -> None:
        """The listeners are open and the first fork is next.

        Runs in: arbiter.  When it raises: as in `on_starting`.
        """

    @hookspec
    def pre_fork(self, server: Server, worker: WorkerInfo) -> None:
        """A worker is about to be forked; its `pid` is still `None`.

        Runs in: arbiter.  When it raises: the start fails; later it is logged, the fork goes on.
        """

    @hookspec
    def worker_ready(self, server: Server, worker: WorkerInfo) -> None:
        """A worker has loaded the application and accepts connections.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def worker_timeout(
        self, server: Server, worker: WorkerInfo, requests: Sequence[types.RequestInFlight]
    ) -> None:
        """A worker missed a deadline and will be aborted; `requests` are those it holds.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def child_exit(self, server: Server, worker: WorkerInfo, reason: types.ExitReason) -> None:
        """A worker was reaped; called exactly once for each, however it ended.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def on_reload(self, server: Server) -> None:
        """A new configuration is about to take effect; the old workers still run.

        Runs in: arbiter.  When it raises: the reload ends, the old configuration stays.
        """

    @hookspec
    def reload_failed(self, server: Server, reason: str) -> None:
        """A reload ended without effect; the old generation keeps serving.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def reloaded(self, server: Server) -> None:
        """A reload is complete: every worker is of the new generation.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def retired(self) -> None:
        """The plugin object is not used any more: its generation was replaced by a reload, its
        reload was refused, or the server has ended or could not start.  Close what it holds.

        Runs in: arbiter, last of all hooks.  When it raises: logged, the others still run.
        """

    @hookspec
    def nworkers_changed(self, server: Server, new_value: int, old_value: int | None) -> None:
        """The number of workers wanted changed; `old_value` is `None` the first time.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def server_tick(self, server: Server) -> None:
        """Called about every `tick_interval` seconds, and only when a plugin has this hook.

        Runs in: arbiter.  Must not block.  When it raises: logged, the others still run.
        """

    @hookspec
    def pre_exec(self, server: Server) -> None:
        """A successor (USR2) is executed next, or this process re-executed (HUP, ``preload_app``).

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def successor_ready(self, server: Server, pid: int) -> None:
        """A worker of the successor (USR2) is ready: both serve until one of them is stopped.

        Runs in: arbiter, the predecessor.  When it raises: logged, the others still run.
        """

    @hookspec
    def on_drain_delay(self, server: Server) -> None:
        """Still accepting for `drain_delay`: leave registries.  No connection is kept from now on.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def on_stopping(self, server: Server) -> None:
        """The server has been told to stop; the workers finish what they have.

        Runs in: arbiter, once.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def on_exit(self, server: Server) -> None:
        """The workers are gone and the listeners closed.

        Runs in: arbiter.  When it raises: logged, the other implementations still run.
        """


class Hooks(AssemblyHooks, FactoryHooks, ArbiterHooks, ServingHooks, Protocol):
    """Every hook, as the core calls it."""
