"""gunicorn's names: its configuration file, and what to do about what hookserve does not have.

applications
    `BaseApplication` and `WSGIApplication`, for programs that embed the server
paste
    the server runner for PasteDeploy
names, variables
    settings, flags and environment variables that hookserve does not have, with the remedy
tls
    ``ssl_context`` of a configuration file
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from hookserve import LoggerType, hookimpl

if TYPE_CHECKING:
    from hookserve.plugins.host import PluginHost


@hookimpl
def config_files() -> list[str]:
    """The name of gunicorn's configuration file."""
    return ["gunicorn.conf.py"]


@hookimpl
def explain_unknown(kind: str, name: str) -> str | None:
    """What gunicorn's settings, flags and worker classes mean here."""
    from hookserve_gunicorn.names import explain

    return explain(kind, name)


@hookimpl
def config_warnings(environ: Mapping[str, str]) -> list[str]:
    """The variables that gunicorn reads and hookserve does not."""
    from hookserve_gunicorn.variables import unread

    return unread(environ)


@hookimpl
def logger_types() -> list[LoggerType]:
    """The path of gunicorn's own logger means the bundled one."""
    return [
        LoggerType(
            "gunicorn.glogging.Logger",
            "hookserve_logging.standard:make_logger",
            "gunicorn's name for the logger standard",
        )
    ]


@hookimpl
def logger_aliases(name: str) -> list[str]:
    """gunicorn's loggers in a logging configuration mean the server's."""
    found = {"hookserve": "gunicorn.error", "hookserve.access": "gunicorn.access"}.get(name)
    return [found] if found else []


@hookimpl
def file_plugins(module: ModuleType, host: PluginHost) -> list[object]:
    """Plugins for what a configuration file defines: its `ssl_context`, and what its hooks need."""
    context = getattr(module, "ssl_context", None)
    has_hooks = any(callable(getattr(module, name, None)) for name in _hook_names())
    if not has_hooks and not callable(context):
        return []
    from hookserve_gunicorn.objects.hooks import OBJECTS

    OBJECTS.belong_to(host)
    found: list[object] = [OBJECTS] if has_hooks else []
    if callable(context):
        from hookserve_gunicorn.tls import TlsContextMaker

        found.append(TlsContextMaker(context, OBJECTS.config))
    return found


@hookimpl
def adapt_file_hook(
    name: str, function: Callable[..., object], parameters: Sequence[str]
) -> Callable[..., object]:
    """Call the function with gunicorn's objects."""
    from hookserve_gunicorn.objects.hooks import adapt

    return adapt(name, function, parameters)


def _hook_names() -> list[str]:
    """The hooks that a file may define as plain functions."""
    from hookserve.hookspecs import ArbiterHooks, FactoryHooks
    from hookserve.workerspecs import RequestHooks, WorkerHooks

    kinds = (ArbiterHooks, FactoryHooks, WorkerHooks, RequestHooks)
    return [name for kind in kinds for name in vars(kind) if not name.startswith("_")]
