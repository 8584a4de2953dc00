"""The plugin host: loads plugins one by one and knows which plugin a failure belongs to.

A plugin that cannot be loaded is recorded with its cause and left out; the caller decides whether
that stops the start (`PluginHost.refuse_failures`).  A blocked plugin is never imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Container, Iterable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple, cast

import pluggy

from hookserve.errors import PluginError
from hookserve.hookspecs import Hooks
from hookserve.plugins.calling import implementations
from hookserve.plugins.discovery import Candidate, discover, misnamed
from hookserve.plugins.manager import Manager
from hookserve.plugins.validation import (
    check_level,
    explain_refusal,
    find_coroutine,
    find_early,
    find_unmarked,
    hook_names,
    is_specified,
)
from hookserve.wording import describe, did_you_mean


class PluginSelection(NamedTuple):
    """Which plugins to load, known before any is."""

    required: Mapping[str, str] = {}
    """The names, and where each was written; empty: on the command line."""
    blocked: Mapping[str, str] = {}
    """As those."""
    autoload: bool = True
    """Whether installed plugins load unasked; those that hookserve bundles always do."""

    @classmethod
    def parse(cls, words: Iterable[tuple[str, str]], autoload: bool = True) -> PluginSelection:
        """From the values of ``-P``, each with where it was written: ``NAME`` requires, ``no:NAME``
        blocks; the last one wins."""
        required: dict[str, str] = {}
        blocked: dict[str, str] = {}
        for word, place in words:
            name = word.removeprefix("no:")
            wins, loses = (required, blocked) if name == word else (blocked, required)
            loses.pop(name, None)
            wins[name] = place
        return cls(required, blocked, autoload)


class PluginRecord:
    """A plugin as ``--list-plugins`` shows it."""

    def __init__(self, name: str, candidate: Candidate | None = None) -> None:
        self.name = name
        self.candidate = candidate
        """Where it was found; `None` for what was not discovered but named or made."""
        self.state = "not loaded"
        """``active``, ``blocked``, ``not loaded``, ``failed``; ``off`` while nothing of it is used,
        where it is loaded on demand."""
        self.cause = ""
        self.remedy = ""
        self.owner = ""
        """The plugin that has brought it for a configuration."""
        self.is_fatal = False
        """Whether the failure stops the start even when the plugin was not asked for."""
        self.hooks: list[str] = []
        self.import_time = 0.0
        """Seconds that importing it took."""

    def fail(self, cause: str, remedy: str) -> None:
        """Record that the plugin cannot be loaded."""
        self.state, self.cause, self.remedy = "failed", cause, remedy

    @property
    def distribution(self) -> str:
        """The name of the distribution that brings it; ``-`` when none does."""
        return "-" if self.candidate is None else self.candidate.distribution

    @property
    def version(self) -> str:
        """The distribution's version; ``-`` when there is none."""
        return "-" if self.candidate is None else self.candidate.version

    @property
    def title(self) -> str:
        """Name, distribution, version and entry point, for messages."""
        if self.candidate is None:
            return f"plugin '{self.name}'"
        return (
            f"plugin '{self.name}' ({self.distribution} {self.version}, "
            f"entry point {self.name} = {self.candidate.value})"
        )

    @property
    def failure(self) -> str:
        """The failure in one line, with the remedy."""
        return f"{self.title} failed to load: {self.cause} ({self.remedy})"


class Implementation(NamedTuple):
    """A plugin's implementation of a hook."""

    plugin: str
    order: str
    """``wrapper``, ``first`` or ``last`` for one that asks to be called so; otherwise empty."""


_UNWANTED = ("blocked", "not loaded")


class PluginHost:
    """The plugins of one process and their hooks."""

    hook: Hooks

    def __init__(self) -> None:
        self.manager = Manager(self._explain_without)
        self.manager.add_hookspecs(Hooks)
        self.hook = cast("Hooks", self.manager.hook)
        self.records: list[PluginRecord] = []
        """Every plugin, in the order of loading; those that failed or were blocked too."""
        self.warnings: list[str] = []
        """What is wrong with plugins that were loaded, a line each."""
        self._required: Mapping[str, str] = {}

    def load(self, selection: PluginSelection, on_demand: bool = False) -> None:
        """Load what is installed and wanted; `on_demand`: but not what names its settings and
        commands, until `load_off` is called for it.

        Those come last either way, so that each is called in the same order whenever it is loaded.
        Raises PluginError for a name in the selection that matches nothing.
        """
        candidates = discover()
        self._required = selection.required
        for name, place in selection.blocked.items():
            self._must_exist(name, place, candidates)
        for candidate in candidates:
            self._consider(candidate, selection)
        for record in self.off():
            if not on_demand or self._request(record):
                self.load_off(record)
        unwanted = [each.candidate for each in self.records if each.state in _UNWANTED]
        self.warnings += misnamed(candidates, unwanted)
        for name, place in selection.required.items():
            if not any(candidate.is_called(name) for candidate in candidates):
                self._load_module(name, place, candidates)

    def _consider(self, candidate: Candidate, selection: PluginSelection) -> None:
        """Load an installed plugin, or note why it is not loaded."""
        record = PluginRecord(candidate.name, candidate)
        named = [each for each in self.records if each.name == candidate.name]
        first = next((each for each in named if each.state in ("active", "off")), None)
        self.records.append(record)
        if any(candidate.is_called(name) for name in selection.blocked):
            record.state = "blocked"
        elif first is not None:
            self._refuse_second(record, first)
        elif selection.autoload or candidate.is_bundled or self._request(record):
            if candidate.is_on_demand:
                record.state = "off"
            else:
                self._load(record, candidate.module, candidate.attribute)

    def off(self) -> list[PluginRecord]:
        """The plugins that are loaded when one of their settings or commands is used."""
        return [record for record in self.records if record.state == "off"]

    def load_off(self, record: PluginRecord) -> None:
        """Load one of those; its record has the failure, if it cannot be loaded."""
        candidate = record.candidate
        if candidate is not None and record.state == "off":
            self._load(record, candidate.module, candidate.attribute)

    def load_for(self, environ: Container[str]) -> None:
        """Load what is `off` and has one of the variables that are set."""
        for record in self.off():
            if record.candidate and any(each in environ for each in record.candidate.variables):
                self.load_off(record)

    def command_names(self) -> list[str]:
        """The commands of plugins that are `off`."""
        return [name for each in self.off() if each.candidate for name in each.candidate.commands]

    def load_command(self, name: str) -> None:
        """Load what is `off` and has that command; raises PluginError when that cannot be."""
        for record in self.off():
            if record.candidate is not None and name in record.candidate.commands:
                self.load_off(record)
                if record.state == "failed":
                    raise PluginError(f"the command '{name}': {record.failure}", record.name)

    def register(self, plugin: object, name: str, owner: str = "") -> None:
        """Register a plugin object that was not discovered: a logger, a configuration file's hooks,
        or what the plugin `owner` has brought.

        Raises PluginError when it implements a hook that does not exist, or wrongly.
        """
        record = PluginRecord(name)
        record.owner = owner
        problem = self._register(record, plugin)
        if problem:
            raise PluginError(f"plugin '{name}': {problem}", name)
        self.records.append(record)

    def specify(self, hooks: type) -> None:
        """Add a plugin's own hooks, a class of methods with `hookspec`; once or more often.  Other
        plugins implement them with ``@hookimpl(optionalhook=True)``: this one may be missing."""
        names = [name for name in vars(hooks) if not name.startswith("_")]
        if not all(is_specified(getattr(self.manager.hook, name, None)) for name in names):
            self.manager.add_hookspecs(hooks)

    def record_of(self, plugin_name: str) -> PluginRecord:
        """The record of a registered plugin."""
        named = [record for record in self.records if record.name == plugin_name]
        active = [record for record in named if record.state == "active"]
        return next(iter(active or named), None) or PluginRecord(plugin_name)

    def failures(self) -> list[PluginRecord]:
        """The plugins that could not be loaded."""
        return [record for record in self.records if record.state == "failed"]

    def refuse_failures(self, every: bool) -> None:
        """Raise PluginError for a failure that stops the start.

        It does when the plugin was asked for with ``-P``, when the plugin is at odds with the
        hook specifications, or when `every` failure should.
        """
        for record in self.failures():
            if every or self._request(record) or record.is_fatal:
                raise PluginError(record.failure, record.name)

    def _request(self, record: PluginRecord) -> str:
        """What asks for it, as messages say it; empty: nothing does."""
        for name, place in self._required.items():
            if _is_called(record, name):
                return f"{name} in {place}" if place else f"-P {name}"
        return ""

    def _explain_without(self, plugin: str) -> str:
        """How to start without a registered plugin that has raised; empty: no way is known."""
        from hookserve.plugins.remedies import without

        record = self.record_of(plugin)
        record = self.record_of(record.owner) if record.owner else record
        return without(record, self._request(record))

    def log_failures(self) -> None:
        """Log each plugin that failed, in one line."""
        import logging

        for record in self.failures():
            logging.getLogger("hookserve").warning("%s", record.failure)

    def _load(self, record: PluginRecord, module_name: str, attribute: str = "") -> None:
        began = perf_counter()
        try:
            plugin: object = importlib.import_module(module_name)
            for part in attribute.split(".") if attribute else ():
                plugin = getattr(plugin, part)
            cause, remedy = check_level(plugin, lambda: record.distribution)
        except (Exception, SystemExit) as error:  # a plugin may raise anything when imported
            from hookserve.plugins.remedies import explain_import

            self._fail(record, *explain_import(record, error))
            return
        finally:
            record.import_time = perf_counter() - began
        if not cause:
            cause, remedy = self._register(record, plugin), "mend it"
        if cause:
            record.is_fatal = True
            self._fail(record, cause, remedy)
            return
        self.warnings += [
            f"{record.title}: its function {name} is never called (it is not marked with @hookimpl)"
            for name in find_unmarked(self.manager, plugin)
        ]

    def _fail(self, record: PluginRecord, cause: str, remedy: str) -> None:
        """Record that a plugin cannot be loaded; to start without it is a remedy too."""
        from hookserve.plugins.remedies import without_failed

        record.fail(cause, f"{remedy}, or {without_failed(record, self._request(record))}")

    def _refuse_second(self, record: PluginRecord, first: PluginRecord) -> None:
        others = [each.distribution for each in (first, record) if not _is_bundled(each)]
        leave_out = " or ".join(f"-P no:{name}" for name in others)
        record.is_fatal = True
        record.fail(f"{first.title} has its name", f"leave one of them out with {leave_out}")

    def _load_module(self, name: str, place: str, candidates: Sequence[Candidate]) -> None:
        """Load a module that is not an entry point, as ``-P my.module`` asks."""
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            found = None
        if found is None:
            self._must_exist(name, place, candidates)
        record = PluginRecord(name)
        self.records.append(record)
        self._load(record, name)
        if record.state == "failed":
            raise PluginError(record.failure, name)

    def _must_exist(self, name: str, place: str, candidates: Sequence[Candidate]) -> None:
        if any(candidate.is_called(name) for candidate in candidates):
            return
        known = {candidate.name for candidate in candidates}
        known |= {candidate.distribution for candidate in candidates if not candidate.is_bundled}
        raise PluginError(
            f"plugin '{name}'{place and f' ({place})'} is not installed{did_you_mean(name, known)}:"
            " hookserve --list-plugins shows what there is"
        )

    def _register(self, record: PluginRecord, plugin: object) -> str:
        """Register with pluggy; what is wrong with the plugin, or nothing."""
        name = record.name
        if plugin is None:
            return "it is None"
        if inspect.isclass(plugin):
            return f"{plugin.__name__} is a class (name an instance of it)"
        if self.manager.has_plugin(name):
            return "another plugin is registered under that name"
        if self.manager.is_registered(plugin):
            return f"it is registered already, as '{self.manager.get_name(plugin)}'"
        try:
            callers = self.manager.register_before(plugin, name, self._later_than(record))
            if not all(map(is_specified, callers)):
                self.manager.check_pending()
            problem = find_coroutine(callers, plugin)
            if not problem and record.candidate is not None and record.candidate.is_on_demand:
                problem = find_early(callers, has_variables=bool(record.candidate.variables))
            if not problem:
                record.state, record.hooks = "active", sorted(each.name for each in callers)
        except pluggy.PluginValidationError as error:
            problem = explain_refusal(self.manager, plugin, error)
        except Exception as error:  # a plugin may raise anything when inspected
            problem = describe(error)
        if problem and self.manager.has_plugin(name):
            self.manager.unregister(name=name)
        return problem

    def _later_than(self, record: PluginRecord) -> list[str]:
        """The registered plugins that are called as if they had been registered after it."""
        if record not in self.records:
            return []
        position = self.records.index(record) + 1
        return [
            each.name
            for each in self.records[position:]
            if each.state == "active" and (each.candidate is None or each.candidate.is_on_demand)
        ]

    def explain(self, only: str | None = None) -> dict[str, list[Implementation]]:
        """For each hook that a plugin implements (or the one named), the plugins in calling order.

        Raises PluginError for a name that is not a hook's.
        """
        names = hook_names(self.manager)
        if only is not None and only not in names:
            raise PluginError(f"'{only}' is not a hook{did_you_mean(only, names)}")
        table: dict[str, list[Implementation]] = {}
        for name in sorted(names) if only is None else [only]:
            found = implementations(getattr(self.manager.hook, name))
            if found or only is not None:
                table[name] = [Implementation(each.plugin_name, _order(each)) for each in found]
        return table


def _order(implementation: pluggy.HookImpl) -> str:
    if implementation.wrapper or implementation.hookwrapper:
        return "wrapper"
    if implementation.tryfirst:
        return "first"
    return "last" if implementation.trylast else ""


def _is_called(record: PluginRecord, name: str) -> bool:
    """Whether ``-P NAME`` means that plugin."""
    return name == record.name or (
        record.candidate is not None and record.candidate.is_called(name)
    )


def _is_bundled(record: PluginRecord) -> bool:
    return record.candidate is None or record.candidate.is_bundled
