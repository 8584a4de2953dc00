"""The hooks that a configuration file may define as plain functions."""

from __future__ import annotations

from hookserve.hookspecs import ArbiterHooks, FactoryHooks
from hookserve.workerspecs import RequestHooks, WorkerHooks


def hook_names() -> list[str]:
    """Their names; a collected hook counts only when it is marked."""
    kinds = (ArbiterHooks, FactoryHooks, WorkerHooks, RequestHooks)
    return [name for kind in kinds for name in vars(kind) if not name.startswith("_")]
