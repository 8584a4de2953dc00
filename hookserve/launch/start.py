"""From a finished configuration to a running arbiter, and from its end to the exit code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from hookserve import __version__
from hookserve.arbiter import child
from hookserve.arbiter.arbiter import Arbiter
from hookserve.arbiter.generation import Generation, ProcessPaths
from hookserve.arbiter.preparation import (
    ServingClasses,
    load_application,
    load_serving_classes,
    register_configured,
    register_loggers,
)
from hookserve.config.workers import count_workers
from hookserve.errors import ConfigError, HookserveError
from hookserve.launch.assembly import (
    Assembly,
    assemble,
    enter_start,
    is_left_to_core,
    log_warnings,
    refuse_warnings,
)
from hookserve.launch.defaults import open_configured
from hookserve.launch.embedded import NOTHING_EMBEDDED, Embedded
from hookserve.launch.limits import allow_descriptors
from hookserve.listeners.address import parse_address
from hookserve.listeners.opening import look_up_names, systemd_listeners
from hookserve.listeners.plugin_listeners import PluginListeners, close_all
from hookserve.plugins import calling
from hookserve.plugins.selection import application_classes
from hookserve.system.title import set_title
from hookserve.wording import describe
from hookserve.worker.interface import InterfaceMismatch, check_protocol, pair
from hookserve.worker.middleware import find_left_out

if TYPE_CHECKING:
    from hookserve.arbiter.handover import Handover, Start
    from hookserve.config.arguments import Arguments
    from hookserve.config.resolved import Config
    from hookserve.launch.daemon import StartReport
    from hookserve.launch.pidfile import Pidfile
    from hookserve.listeners.listener import Listener
    from hookserve.plugins.host import PluginHost
    from hookserve.types import WSGIApplication


def patch_early(host: PluginHost, config: Config) -> None:
    """Patch before the Python configuration file is run, when it is known already that the
    arbiter will preload the application under a model that patches.

    What the file itself says about that comes too late for the file's own imports; `preload`
    patches then, and names who came first.
    """
    if config.preload_app:
        child.patch(load_serving_classes(host, config).worker_type)


class Prepared(NamedTuple):
    """What `serve` is called with."""

    assembly: Assembly
    reassemble: Callable[[], Assembly]
    """Assembles again for a reload, from the directory and the environment of the start."""
    start: Start
    handover: Handover


def prepare(
    arguments: Sequence[str] | Arguments,
    environ: Mapping[str, str],
    embedded: Embedded = NOTHING_EMBEDDED,
) -> Prepared:
    """Read every source and take what was handed over; raises HookserveError."""
    from hookserve.arbiter.handover import record_start, take_handover

    handover = take_handover(os.environ)
    directory, snapshot = enter_start(arguments, environ), dict(environ)
    start = record_start(directory, environ)

    def reassemble() -> Assembly:
        enter_start(arguments, snapshot, directory)
        again = assemble(arguments, snapshot, embedded=embedded)
        again.host.refuse_failures(every=again.config.plugin_errors == "fail")
        again.host.log_failures()
        log_warnings(again)
        return again

    assembly = assemble(arguments, environ, patch_early, embedded)
    return Prepared(assembly, reassemble, start, handover)


def serve(
    assembly: Assembly, reassemble: Callable[[], Assembly], start: Start, handover: Handover
) -> None:
    """Serve until told to stop; raises HookserveError when that cannot be, or ends badly."""
    config = assembly.config
    assembly.host.refuse_failures(every=config.plugin_errors == "fail")
    classes = load_serving_classes(assembly.host, config)
    start_report = None
    if config.daemon and not handover.pid:
        from hookserve.launch.daemon import daemonize

        for warning in assembly.warnings:  # the log may be out of sight in the background
            print(f"hookserve: warning: {warning}", file=sys.stderr)
        start_report = daemonize(config.enable_stdio_inheritance)
    try:
        _serve(assembly, classes, reassemble, start, handover, start_report)
    except BaseException as error:
        if start_report is not None:
            start_report.report(getattr(error, "exit_code", 1), describe(error))
        raise


def _serve(
    assembly: Assembly,
    classes: ServingClasses,
    reassemble: Callable[[], Assembly],
    start: Start,
    handover: Handover,
    start_report: StartReport | None,
) -> None:
    config = assembly.config
    pidfile = arbiter = None
    try:
        register_loggers(assembly.host, config)
        calling.fire(assembly.host.hook.install_logs)
        assembly.host.log_failures()
        log_warnings(assembly)
        register_configured(assembly.host, config)
        too_few = allow_descriptors(config.worker_connections)
        if too_few:
            logging.getLogger("hookserve").warning("%s", too_few)
        set_title(config.proc_name, "arbiter")
        pidfile = _make_pidfile(config.pidfile, handover)
        workers, arithmetic = count_workers(config)
        app = None
        if config.preload_app:
            app, classes = _preload_safely(assembly, classes, handover)
        paths = ProcessPaths.current()
        generation = Generation(1, assembly, classes, workers, (), app, paths)
        arbiter = Arbiter(generation, reassemble, start, start_report)
        arbiter.pidfile = pidfile
        arbiter.log.info("hookserve %s, pid %d", __version__, arbiter.pid)
        if arithmetic:
            arbiter.log.info("%s", arithmetic)
        _run(arbiter, handover)
    finally:
        # A successor's pidfile takes the place of this one: there is never none.
        if pidfile is not None and not (arbiter is not None and arbiter.upgrade.successor):
            pidfile.remove()
        retire_plugins(assembly, arbiter)


def retire_plugins(assembly: Assembly, arbiter: Arbiter | None = None) -> None:
    """Call `retired` where the server has ended, or was never begun; during a reload there are the
    plugins of two generations."""
    found = [assembly]
    if arbiter is not None:
        generations = (arbiter.previous, arbiter.current)
        found = [each.assembly for each in generations if each is not None]
    for host in dict.fromkeys(each.host for each in found):
        calling.notify(host.hook.retired)


def _make_pidfile(path: str | None, handover: Handover) -> Pidfile | None:
    """The pidfile, written; a successor has one of its own until its predecessor is gone.

    Raises ConfigError; but where there are workers that serve on, there is none.
    """
    if not path:
        return None
    from hookserve.launch.pidfile import Pidfile

    made = Pidfile(f"{path}.2" if handover.channel >= 0 else path, handover.pidfile)
    try:
        made.create()
    except ConfigError as error:
        if not handover.workers:
            raise
        logging.getLogger("hookserve").error("%s", error)
        return None
    return made


def _preload_safely(
    assembly: Assembly, classes: ServingClasses, handover: Handover
) -> tuple[WSGIApplication | None, ServingClasses]:
    """The application and the classes that serve it.

    Where there are workers that serve on, a failure must not end them: the next worker tries by
    itself, and its failure gives the reload up.
    """
    try:
        app = preload(assembly, classes)
        classes = pair_with(app, assembly, classes)
        for warning in assembly.unhonoured_by(classes.worker_type):
            logging.getLogger("hookserve").warning("%s", warning)
        return app, classes
    except HookserveError as error:
        if not handover.workers:
            raise
        logging.getLogger("hookserve").error("the application cannot be preloaded: %s", error)
        return None, classes


def _run(arbiter: Arbiter, handover: Handover) -> None:
    hook = arbiter.hook
    # What the dry run does not call must not end workers that serve on.
    call = calling.notify if handover.workers else calling.fire
    call(hook.on_starting, server=arbiter)
    inherited = (*systemd_listeners(os.environ), *handover.inherit_listeners())
    arbiter.auxiliaries.restore(handover.auxiliaries)
    plugins = arbiter.current.assembly.host.manager.get_plugins()
    close_all(handover.inherit_plugin_listeners(plugins))
    listeners = open_listeners(arbiter.current.assembly, handover, inherited)
    arbiter.current = arbiter.current._replace(listeners=listeners)
    if handover.channel >= 0:
        arbiter.upgrade.follow(handover)
    if handover.workers:
        from hookserve.arbiter.restore import restore_workers

        restore_workers(arbiter, handover, inherited)
    try:
        call(hook.when_ready, server=arbiter)
        model = arbiter.current.classes.worker_type.name
        arbiter.log.info("listening on %s (%s)", ", ".join(arbiter.address), model)
        arbiter.run()
    finally:
        for listener in arbiter.listeners:
            listener.close()
            if not arbiter.upgrade.is_shared:
                listener.remove()
        if arbiter.pidfile is not None and arbiter.upgrade.successor is not None:
            arbiter.pidfile.keep_for_successor()
        calling.notify(arbiter.hook.on_exit, server=arbiter)
        arbiter.log.info("stopped")
        arbiter.close()


def open_listeners(
    assembly: Assembly, handover: Handover, inherited: tuple[Listener, ...]
) -> tuple[Listener, ...]:
    """The listeners that the configuration asks for, those that are `inherited` among them.

    Raises ListenError; but where there are workers that serve on, what was handed over stays.
    """
    try:
        found = calling.fire(assembly.host.hook.open_listeners, assembly.config, inherited)
    except HookserveError as error:
        if not handover.workers:
            raise
        logging.getLogger("hookserve").error("%s; the old addresses stay", error)
        return inherited
    listeners = tuple(cast("Sequence[Listener]", found))
    for listener in inherited:
        if listener not in listeners and not handover.workers:
            listener.close()
    return listeners


def check_configuration(assembly: Assembly, handover: Handover | None = None) -> ServingClasses:
    """Prepare a start up to the application; the classes that would serve it.

    Raises as HookserveError what the start would raise.  `retire_plugins` is to follow, whatever
    becomes of it.  In the dry run of a re-exec there is a `handover`.
    """
    config = assembly.config
    assembly.host.refuse_failures(every=config.plugin_errors == "fail")
    classes = load_serving_classes(assembly.host, config)
    register_loggers(assembly.host, config)
    calling.fire(assembly.host.hook.install_logs)
    register_configured(assembly.host, config)
    count_workers(config)
    if handover is not None and handover.pid:
        try_addresses(assembly, handover)
    else:
        look_up_addresses(assembly)
    return classes


def look_up_addresses(assembly: Assembly) -> None:
    """Look up the names in all addresses that a start would open; raises ListenError and
    ConfigError."""
    if is_left_to_core(assembly.host.hook.open_listeners):
        for text in assembly.config.bind:
            look_up_names(parse_address(text))
    for plugin in assembly.host.manager.get_plugins():
        if isinstance(plugin, PluginListeners):
            plugin.look_up_names()


def try_addresses(assembly: Assembly, handover: Handover) -> None:
    """Find out, in the dry run of a re-exec, whether the addresses that the arbiter does not hold
    can be listened on; nothing stays open.  Raises ListenError and ConfigError."""
    held, found = handover.inherit_listeners(), assembly.host.manager.get_plugins()
    plugins = [each for each in found if isinstance(each, PluginListeners)]
    dropped = handover.inherit_plugin_listeners(plugins)  # the arbiter has them until the end
    opened: Sequence[Listener] = ()
    try:
        if is_left_to_core(assembly.host.hook.open_listeners):
            opened = open_configured(assembly.config, held, is_dry_run=True)
        for plugin in plugins:
            plugin.open_in_dry_run()
    finally:
        for plugin in plugins:
            plugin.retired()
        close_all(dropped)
        for listener in (*held, *opened):
            listener.close()


def preload(assembly: Assembly, classes: ServingClasses) -> WSGIApplication:
    """The application, loaded before anything is forked; raises BootError or AppNotFound."""
    child.set_environment(assembly.config)
    child.patch(classes.worker_type)
    app = load_application(assembly.host, assembly.config)
    calling.fire(assembly.host.hook.app_loaded, config=assembly.config)
    return app


def pair_with(app: object, assembly: Assembly, classes: ServingClasses) -> ServingClasses:
    """The classes that serve an application.

    Raises AppNotFound and BootError when those named do not, and ConfigError with the setting
    `strict` where a middleware is left out or the model does not honour a setting.
    """
    config, model = assembly.config, classes.worker_type
    name, known = str(config.wsgi_app), application_classes(assembly.host)
    try:
        interface = pair(app, config.interface, model.name, model.interfaces, name, known)
    except InterfaceMismatch as error:
        if not config.is_default("worker_class"):
            raise
        interface = error.interface
        classes = load_serving_classes(assembly.host, config, interface)
    check_protocol(config.protocol, classes.protocol_classes, interface)
    if config.strict:
        left_out = find_left_out(assembly.host, config, interface)
        refuse_warnings(config, [*left_out, *assembly.unhonoured_by(classes.worker_type)])
    return classes._replace(found_interface=interface)
