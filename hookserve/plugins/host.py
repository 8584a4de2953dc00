"""The plugin host: loads plugins one by one and knows which plugin a failure belongs to.

A plugin that cannot be loaded is recorded with its cause and left out; the caller decides whether
that stops the start (`PluginHost.refuse_failures`).  A blocked plugin is never imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import NamedTuple, cast

import pluggy

from hookserve.errors import PluginError
from hookserve.hookspecs import PROJECT, Hooks
from hookserve.plugins.calling import implementations
from hookserve.plugins.discovery import Candidate, discover
from hookserve.types import API_LEVEL
from hookserve.wording import describe, did_you_mean


class PluginSelection(NamedTuple):
    """Which plugins to load, known before any is."""

    required: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    autoload: bool = True
    """Whether installed plugins load unasked; those that hookserve bundles always do."""

    @classmethod
    def parse(cls, names: Iterable[str], autoload: bool = True) -> PluginSelection:
        """From the values of ``-P``: ``NAME`` requires, ``no:NAME`` blocks; the last one wins."""
        wanted: dict[str, bool] = {}
        for name in names:
            blocks = name.startswith("no:")
            wanted[name.removeprefix("no:")] = not blocks
        required = tuple(name for name, yes in wanted.items() if yes)
        blocked = tuple(name for name, yes in wanted.items() if not yes)
        return cls(required, blocked, autoload)


class PluginRecord:
    """A plugin as ``--list-plugins`` shows it."""

    def __init__(self, name: str, candidate: Candidate | None = None) -> None:
        self.name = name
        self.candidate = candidate
        """Where it was found; `None` for what was not discovered but named or made."""
        self.state = "not loaded"
        """``active``, ``blocked``, ``not loaded`` or ``failed``."""
        self.cause = ""
        self.remedy = ""
        self.is_fatal = False
        """Whether the failure stops the start even when the plugin was not asked for."""
        self.hooks: list[str] = []

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
            f"entry point {self.name} = {self.candidate.module})"
        )

    @property
    def failure(self) -> str:
        """The failure in one line, with the remedy."""
        return f"{self.title} failed to load: {self.cause} ({self.remedy})"


class _Manager(pluggy.PluginManager):
    """pluggy's manager, which inspects only what can be a hook."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """As pluggy's.  A module has many names that are not functions, and to inspect each of them
        takes a tenth of a server's start."""
        if isinstance(plugin, ModuleType) and not inspect.isroutine(vars(plugin).get(name)):
            return None
        return super().parse_hookimpl_opts(plugin, name)


class PluginHost:
    """The plugins of one process and their hooks."""

    hook: Hooks

    def __init__(self) -> None:
        self.manager = _Manager(PROJECT)
        self.manager.add_hookspecs(Hooks)
        self.hook = cast("Hooks", self.manager.hook)
        self.records: list[PluginRecord] = []
        """Every plugin, in the order of loading; those that failed or were blocked too."""
        self._required: tuple[str, ...] = ()

    def load(self, selection: PluginSelection) -> None:
        """Load what is installed and wanted.

        Raises PluginError for a name in the selection that matches nothing.
        """
        candidates = discover()
        self._required = selection.required
        for name in selection.blocked:
            self._must_exist(name, candidates)
        for candidate in candidates:
            record = PluginRecord(candidate.name, candidate)
            self.records.append(record)
            if any(candidate.is_called(name) for name in selection.blocked):
                record.state = "blocked"
            elif (
                selection.autoload
                or candidate.is_bundled
                or any(candidate.is_called(name) for name in selection.required)
            ):
                self._load(record, candidate.module)
        for name in selection.required:
            if not any(candidate.is_called(name) for candidate in candidates):
                self._load_module(name, candidates)

    def register(self, plugin: object, name: str) -> None:
        """Register a plugin object that was not discovered: a logger, a configuration file's hooks.

        Raises PluginError when it implements a hook that does not exist, or wrongly.
        """
        problem = self._register(plugin, name)
        if problem:
            raise PluginError(f"plugin '{name}': {problem}", name)
        record = PluginRecord(name)
        self.records.append(record)
        self._activate(record, plugin)

    def record_of(self, plugin_name: str) -> PluginRecord:
        """The record of a registered plugin."""
        for record in self.records:
            if record.name == plugin_name:
                return record
        return PluginRecord(plugin_name)

    def failures(self) -> list[PluginRecord]:
        """The plugins that could not be loaded."""
        return [record for record in self.records if record.state == "failed"]

    def refuse_failures(self, every: bool) -> None:
        """Raise PluginError for a failure that stops the start.

        It does when the plugin was asked for with ``-P``, when the plugin is at odds with the
        hook specifications, or when `every` failure should.
        """
        for record in self.failures():
            candidate = record.candidate
            asked = candidate is not None and any(map(candidate.is_called, self._required))
            if every or asked or record.is_fatal:
                raise PluginError(record.failure, record.name)

    def log_failures(self) -> None:
        """Log each plugin that failed, in one line."""
        import logging

        for record in self.failures():
            logging.getLogger("hookserve").warning("%s", record.failure)

    def _load(self, record: PluginRecord, module_name: str) -> None:
        try:
            plugin = importlib.import_module(module_name)
        except (Exception, SystemExit) as error:  # a plugin may raise anything when imported
            record.state = "failed"
            record.cause, record.remedy = _explain_import(record, error)
            return
        level = getattr(plugin, "hookserve_api", API_LEVEL)
        if level != API_LEVEL:
            record.state, record.is_fatal = "failed", True
            record.cause = f"it was written for level {level} of the hooks, this is {API_LEVEL}"
            newer = isinstance(level, int) and level > API_LEVEL
            upgrade = "hookserve" if newer else record.distribution
            record.remedy = (
                f"pip install --upgrade {upgrade}, or leave it out with -P no:{record.name}"
            )
            return
        problem = self._register(plugin, record.name)
        if problem:
            record.state, record.is_fatal = "failed", True
            record.cause, record.remedy = (
                problem,
                f"mend it, or leave it out with -P no:{record.name}",
            )
            return
        self._activate(record, plugin)

    def _load_module(self, name: str, candidates: Sequence[Candidate]) -> None:
        """Load a module that is not an entry point, as ``-P my.module`` asks."""
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            found = None
        if found is None:
            self._must_exist(name, candidates)
        record = PluginRecord(name)
        self.records.append(record)
        self._load(record, name)
        if record.state == "failed":
            raise PluginError(record.failure, name)

    def _must_exist(self, name: str, candidates: Sequence[Candidate]) -> None:
        if any(candidate.is_called(name) for candidate in candidates):
            return
        known = {candidate.name for candidate in candidates}
        known |= {candidate.distribution for candidate in candidates if not candidate.is_bundled}
        raise PluginError(
            f"no plugin '{name}' is installed{did_you_mean(name, known)}:"
            " hookserve --list-plugins shows what there is"
        )

    def _register(self, plugin: object, name: str) -> str:
        """Register with pluggy; what is wrong with the plugin, or nothing."""
        try:
            self.manager.register(plugin, name)
            self.manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self.manager.has_plugin(name):
                self.manager.unregister(name=name)
            return " ".join(str(error).split())
        return ""

    def _activate(self, record: PluginRecord, plugin: object) -> None:
        record.state = "active"
        callers = self.manager.get_hookcallers(plugin) or []
        record.hooks = sorted(caller.name for caller in callers)

    def explain(self, only: str | None = None) -> dict[str, list[str]]:
        """For each hook that a plugin implements (or the one named), the plugins in calling order.

        Raises PluginError for a name that is not a hook's.
        """
        names = [name for name in vars(self.manager.hook) if not name.startswith("_")]
        if only is not None and only not in names:
            raise PluginError(f"no hook is called '{only}'{did_you_mean(only, names)}")
        table: dict[str, list[str]] = {}
        for name in sorted(names) if only is None else [only]:
            found = implementations(getattr(self.manager.hook, name))
            if found or only is not None:
                table[name] = [each.plugin_name for each in found]
        return table


def _explain_import(record: PluginRecord, error: BaseException) -> tuple[str, str]:
    """Why a plugin module cannot be imported, and what to do about it."""
    leave_out = f"or leave it out with -P no:{record.name}"
    candidate = record.candidate
    if isinstance(error, ModuleNotFoundError) and candidate is not None and error.name:
        if candidate.module == error.name or candidate.module.startswith(error.name + "."):
            return (
                f"its module {candidate.module} is not there, the installation is incomplete",
                f"pip install --force-reinstall {record.distribution}, {leave_out}",
            )
        missing = candidate.missing_requirements()
        packages = " ".join(f"'{each}'" if ">" in each else each for each in missing)
        return describe(
            error
        ), f"pip install {packages or error.name.partition('.')[0]}, {leave_out}"
    culprit = "it" if candidate is None else record.distribution
    return describe(error), f"mend or upgrade {culprit}, {leave_out}"
