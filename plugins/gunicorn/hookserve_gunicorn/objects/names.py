"""The hooks that a configuration file may define as plain functions."""

from __future__ import annotations

from hookserve.hookspecs import ArbiterHooks, FactoryHooks
from hookserve.workerspecs import RequestHooks, WorkerHooks

GUNICORN_HOOKS = (
    "on_starting",
    "on_reload",
    "when_ready",
    "pre_fork",
    "post_fork",
    "post_worker_init",
    "worker_int",
    "worker_abort",
    "pre_exec",
    "pre_request",
    "post_request",
    "child_exit",
    "worker_exit",
    "nworkers_changed",
    "on_exit",
    "ssl_context",
    "on_dirty_starting",
    "dirty_post_fork",
    "dirty_worker_init",
    "dirty_worker_exit",
)
"""Those of gunicorn, which are settings there."""


def no_hook(*_: object) -> None:
    """What a hook is that no file defines."""


def hook_names() -> list[str]:
    """Their names; a collected hook counts only when it is marked."""
    kinds = (ArbiterHooks, FactoryHooks, WorkerHooks, RequestHooks)
    return [name for kind in kinds for name in vars(kind) if not name.startswith("_")]
