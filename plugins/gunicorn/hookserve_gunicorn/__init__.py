"""gunicorn's names: its configuration file, and what to do about what hookserve does not have.

names, variables
    settings, flags and environment variables that hookserve does not have, with the remedy
tls
    ``ssl_context`` of a configuration file
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from hookserve import LoggerType, hookimpl


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
def file_plugins(module: ModuleType) -> list[object]:
    """A plugin with the `ssl_context` of a configuration file, if the file defines one."""
    context = getattr(module, "ssl_context", None)
    if not callable(context):
        return []
    from hookserve_gunicorn.tls import TlsContextMaker

    return [TlsContextMaker(context)]
