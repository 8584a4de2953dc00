"""pluggy's manager, as the plugin host needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType, MethodType, ModuleType
from typing import cast

import pluggy

from hookserve.hookmarkers import MARK, PROJECT


class Manager(pluggy.PluginManager):
    """pluggy's manager, which looks once at what a plugin has: each start registers many."""

    def __init__(self, explain_without: Callable[[str], str] = lambda _: "") -> None:
        super().__init__(PROJECT)
        self.explain_without = explain_without
        """How to start without a plugin, by the name that it is registered under; empty: no way is
        known."""
        self._implemented: list[str] = []

    def register_one(self, plugin: object, name: str) -> list[pluggy.HookCaller]:
        """Register a plugin; the hooks that it implements, for which pluggy's `get_hookcallers`
        would go through all hooks and their implementations."""
        self._implemented = []
        self.register(plugin, name)
        return [getattr(self.hook, each) for each in dict.fromkeys(self._implemented)]

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """As pluggy's."""
        options = self._options_of(plugin, name)
        if options is not None:
            self._implemented.append(options.get("specname") or name)
        return options

    def _options_of(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """What `hookimpl` has given it.  In a module few names can have anything, and nearly all of
        these are plain functions: pluggy's inspection of each name would take a tenth of a
        start."""
        if isinstance(plugin, ModuleType):
            member = vars(plugin).get(name)
            if isinstance(member, FunctionType):
                mark = vars(member).get(MARK)
                return cast("pluggy.HookimplOpts", mark) if isinstance(mark, dict) else None
            if not (isinstance(member, MethodType) or hasattr(type(member), "__get__")):
                return None  # all else that is marked binds as functions do
        return super().parse_hookimpl_opts(plugin, name)

    def register_before(
        self, plugin: object, name: str, later: Iterable[str]
    ) -> list[pluggy.HookCaller]:
        """As `register_one`, with the order of calls as if the plugins that are named in `later`
        had been registered after it."""
        moved = [(each, self.unregister(name=each)) for each in later]
        try:
            return self.register_one(plugin, name)
        finally:
            for each, one in moved:
                self.register(one, each)


def manager_of(caller: pluggy.HookCaller) -> Manager | None:
    """The manager that the hook belongs to; `None`: pluggy does not say."""
    manager = getattr(caller._hookexec, "__self__", None)
    return manager if isinstance(manager, Manager) else None
