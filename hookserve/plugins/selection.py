"""Chooses worker, protocol and loggers by name, and explains why one cannot be chosen."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from hookserve.errors import PluginError
from hookserve.plugins import calling
from hookserve.plugins.discovery import published
from hookserve.plugins.host import PluginHost, PluginRecord
from hookserve.types import Command, LoggerType, ProtocolType, WorkerType
from hookserve.wording import describe, nearest


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def summary(self) -> str: ...


T = TypeVar("T", bound=_Named)


class WorkerRow(NamedTuple):
    """A worker model as ``--list-workers`` shows it."""

    name: str
    summary: str
    distribution: str
    version: str
    state: str
    """``ready``, ``missing`` or ``broken``."""
    fault: str = ""
    remedy: str = ""
    type: WorkerType | None = None
    is_installed: bool = True
    """Whether there is a plugin at all; if not, the project publishes it."""


def choose_worker(host: PluginHost, name: str) -> WorkerType:
    """The worker type called `name`, or the one at ``module:Class`` or ``module.Class``.

    Raises PluginError when there is none, naming what is installed, the nearest name and the
    pip command, or when its plugin or a package that it needs is missing.
    """
    claimed = claimed_workers(host)
    rows = [_row(*each) for each in claimed if each[0].name == name]
    rows += [_failed_row(record) for record in host.failures() if record.name == name]
    for row in rows:
        if row.state == "ready" and row.type is not None:
            return row.type
        origin = "" if row.distribution == "-" else f" ({row.distribution} {row.version})"
        raise PluginError(f"worker '{name}'{origin} is {row.state}: {row.fault} ({row.remedy})")
    advice = calling.ask(host.hook.explain_unknown, "worker", name)
    if advice is not None:
        raise PluginError(f"worker '{name}' {advice}")
    if ":" in name or "." in name:
        return _named_by_path(host, name)
    raise PluginError(_unknown_worker(host, name))


def _named_by_path(host: PluginHost, name: str) -> WorkerType:
    """The type that a plugin declares for the class, or a new one that claims nothing."""
    target = name if ":" in name else ":".join(name.rpartition(".")[::2])
    for worker_type, _ in claimed_workers(host):
        if worker_type.target == target:
            return worker_type
    return WorkerType(name, target, "named by its path")


def _unknown_worker(host: PluginHost, name: str) -> str:
    installed = [row.name for row in list_workers(host) if row.is_installed]
    others = published()
    shown = f"installed: {', '.join(installed) or 'none'}"
    left_out = explain_left_out(host, name)
    if left_out:
        return f"worker '{name}' {left_out}; {shown}"
    if name in others:
        return f"worker '{name}' is not installed; {shown} (pip install {others[name]})"
    match = nearest(name, {*installed, *others})
    if match is None:
        return f"unknown worker '{name}'; {shown} (hookserve --list-workers shows more of them)"
    remedy = "" if match in installed else f" pip install {others[match]}"
    return f"unknown worker '{name}'; {shown} (did you mean '{match}'?{remedy})"


def explain_left_out(host: PluginHost, name: str) -> str:
    """What to do about the plugin called `name` when it is installed and was not loaded; empty when
    there is no such plugin."""
    for record in host.records:
        if record.candidate is None or not record.candidate.is_called(name):
            continue
        if record.state == "blocked":
            return f"is left out with -P no:{record.name} (take that away to use it)"
        if record.state == "not loaded":
            return f"is installed and not loaded (-P {record.name} loads it)"
    return ""


def list_workers(host: PluginHost) -> list[WorkerRow]:
    """Every worker model that a plugin brings, and every plugin that failed to load.

    Imports no worker.  Raises PluginError when two plugins claim one name.
    """
    rows = [_row(worker_type, record) for worker_type, record in claimed_workers(host)]
    rows.extend(map(_failed_row, host.failures()))
    listed = {row.name for row in rows}
    rows.extend(
        _published_row(name, distribution)
        for name, distribution in published().items()
        if name not in listed
    )
    return sorted(rows, key=lambda row: row.name)


def claimed_workers(host: PluginHost) -> list[tuple[WorkerType, PluginRecord]]:
    """The worker models that plugins bring, by name; raises PluginError for one claimed twice."""
    found = _claimed(host, host.hook.worker_types, "worker")
    return sorted(found, key=lambda each: each[0].name)


def claimed_commands(host: PluginHost) -> list[Command]:
    """The commands that plugins bring, by name; raises PluginError for one claimed twice."""
    found = _claimed(host, host.hook.commands, "command")
    for command, record in found:
        candidate = record.candidate
        if candidate and candidate.is_on_demand and command.name not in candidate.commands:
            raise PluginError(
                f"{record.title} has the command '{command.name}', which [hookserve.commands] of"
                " its distribution does not name (name it there and install the distribution again)"
            )
    return sorted((command for command, _ in found), key=lambda command: command.name)


def _row(worker_type: WorkerType, record: PluginRecord) -> WorkerRow:
    state, fault, remedy = _state(worker_type, record)
    return WorkerRow(
        worker_type.name,
        worker_type.summary,
        record.distribution,
        record.version,
        state,
        fault,
        remedy,
        worker_type,
    )


def _failed_row(record: PluginRecord) -> WorkerRow:
    missing = record.candidate.missing_requirements() if record.candidate else []
    return WorkerRow(
        record.name,
        "(its plugin cannot be loaded)",
        record.distribution,
        record.version,
        "missing" if missing else "broken",
        record.cause,
        record.remedy,
    )


def _published_row(name: str, distribution: str) -> WorkerRow:
    return WorkerRow(
        name,
        "(published by hookserve)",
        distribution,
        "-",
        "missing",
        "it is not installed",
        f"pip install {distribution}",
        is_installed=False,
    )


def _state(worker_type: WorkerType, record: PluginRecord) -> tuple[str, str, str]:
    """Whether a worker could be used, as far as that is seen without importing it."""
    missing = record.candidate.missing_requirements() if record.candidate else []
    if missing:
        packages = " ".join(f"'{each}'" if ">" in each else each for each in missing)
        return "missing", f"it needs {', '.join(missing)}", f"pip install {packages}"
    module = worker_type.target.partition(":")[0]
    mend = f"mend the {record.title}" if record.candidate is None else ""
    try:
        found = importlib.util.find_spec(module) is not None
    except Exception as error:  # finding a module imports its package, which may raise anything
        return "broken", describe(error), mend or f"mend or upgrade {record.distribution}"
    if not found:
        remedy = mend or f"pip install --force-reinstall {record.distribution}"
        return "broken", f"its module {module} is not there", remedy
    return "ready", "", ""


def choose_protocol(host: PluginHost, name: str, interface: str = "wsgi") -> ProtocolType:
    """The protocol called `name` that serves applications of that interface, or the one at
    ``module:Class``; raises PluginError."""
    if ":" in name:
        return ProtocolType(name, name, "named by its path", interface)
    hook = host.hook.protocol_types
    return _choose(host, hook, name, "protocol", lambda each: each.interface == interface)


def choose_protocols(
    host: PluginHost, name: str, interfaces: Sequence[str]
) -> Sequence[ProtocolType]:
    """The protocols called `name` for each of the interfaces that there is one for; raises
    PluginError when there is none at all."""
    types = (each for _, each in calling.collect(host.hook.protocol_types))
    found = {each.interface for each in types if each.name == name}
    served = [each for each in interfaces if each in found]
    return [choose_protocol(host, name, each) for each in served or interfaces[:1]]


def application_classes(host: PluginHost) -> dict[str, str]:
    """By the name of a class, the interface of its instances (`ProtocolType`)."""
    types = (each for _, each in calling.collect(host.hook.protocol_types))
    return {each.application_class: each.interface for each in types if each.application_class}


def choose_logger(host: PluginHost, name: str) -> LoggerType:
    """The logger called `name`, or one made of ``module:factory``; raises PluginError."""
    if ":" in name:
        return LoggerType(name, name, "named by its path")
    return _choose(host, host.hook.logger_types, name, "logger")


def _everything(item: object) -> bool:
    return True


def _choose(
    host: PluginHost,
    hook: Callable[[], Iterable[T]],
    name: str,
    kind: str,
    is_wanted: Callable[[T], bool] = _everything,
) -> T:
    claimed = _claimed(host, hook, kind, is_wanted)
    for found, _ in claimed:
        if found.name == name:
            return found
    for record in host.failures():
        if record.name == name:
            raise PluginError(record.failure, name)
    left_out = explain_left_out(host, name)
    if left_out:
        raise PluginError(f"the {kind} '{name}' {left_out}", name)
    known = sorted(found.name for found, _ in claimed)
    match = nearest(name, known)
    absent = [record.name for record in host.records if record.state in ("blocked", "not loaded")]
    hint = "hookserve --list-plugins shows what there is"
    if match is not None:
        hint = f"did you mean '{match}'?"
    elif absent:
        hint = f"installed and left out: {', '.join(absent)}"
    raise PluginError(f"unknown {kind} '{name}'; installed: {', '.join(known) or 'none'} ({hint})")


def _claimed(
    host: PluginHost,
    hook: Callable[[], Iterable[T]],
    kind: str,
    is_wanted: Callable[[T], bool] = _everything,
) -> list[tuple[T, PluginRecord]]:
    """What the plugins bring and is wanted, each with its plugin's record; raises PluginError for a
    name that two plugins claim."""
    found: dict[str, tuple[T, PluginRecord]] = {}
    for plugin, item in calling.collect(hook):
        if not is_wanted(item):
            continue
        record = host.record_of(plugin)
        if item.name in found:
            raise PluginError(
                f"the {kind} '{item.name}' is claimed by {found[item.name][1].title} and by"
                f" {record.title} (leave one of them out with -P no:NAME)"
            )
        found[item.name] = (item, record)
    return list(found.values())
