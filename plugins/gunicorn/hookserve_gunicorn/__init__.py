"""gunicorn's names: its configuration, its hooks' objects, and what to do about what is not here.

applications
    `BaseApplication` and `WSGIApplication`, for programs that embed the server
compat
    the command: what a configuration does here
paste
    the server runner for PasteDeploy
foreign
    its settings and flags that hookserve does not have, and what is lost without them
translation, derivation
    its values of settings that hookserve has; what settings make of each other
classes, logger_classes, aliases, syslog
    worker and logger classes; loggers of classes that are written for gunicorn; its loggers' names;
    handlers of such classes that send to syslog
standin
    what stands in for the package gunicorn where it is not installed
objects
    the objects that a configuration file's hooks get
client_socket
    ``gunicorn.socket`` of the environ
root_path
    the `root_path` of ASGI's scopes
tls
    ``ssl_context`` of a configuration file
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hookserve import Command, Setting, SettingValue, Variable, hookimpl

if TYPE_CHECKING:
    import socket

    from hookserve import Middleware
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost
    from hookserve.worker.base import Worker


@hookimpl
def config_files() -> list[str]:
    """The name of gunicorn's configuration file."""
    return ["gunicorn.conf.py"]


@hookimpl
def explain_unknown(kind: str, name: str) -> str | None:
    """What serves in the place of a worker or logger class for gunicorn."""
    if not kind.startswith(("worker", "logger")):
        return None
    from hookserve_gunicorn import classes

    return classes.explain(kind, name)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """gunicorn's settings that are accepted without effect."""
    from hookserve_gunicorn.foreign import SETTINGS

    return SETTINGS


@hookimpl
def commands() -> list[Command]:
    """What a configuration for gunicorn does here."""
    return [
        Command(
            "compat",
            "hookserve_gunicorn.compat:run",
            "what a gunicorn configuration or command line does here",
        )
    ]


@hookimpl
def variables() -> list[Variable]:
    """The variables that gunicorn reads, beside ``PORT`` and ``WEB_CONCURRENCY``."""
    return [
        Variable("GUNICORN_CMD_ARGS"),
        Variable("FORWARDED_ALLOW_IPS", "forwarded_allow_ips"),
        Variable("SENDFILE", "sendfile"),
        Variable("SCRIPT_NAME", "script_name"),
    ]


@hookimpl
def logger_aliases(name: str) -> list[str]:
    """gunicorn's loggers in a logging configuration mean the server's."""
    found = {"hookserve": "gunicorn.error", "hookserve.access": "gunicorn.access"}.get(name)
    return [found] if found else []


@hookimpl
def translations(
    values: Mapping[str, object], origin: str, host: PluginHost
) -> Iterable[SettingValue]:
    """Our values for gunicorn's."""
    from hookserve_gunicorn.translation import translate

    return translate(values, origin, host)


@hookimpl
def config_warnings(config: Config) -> Iterable[str]:
    """Values that gunicorn reads otherwise than they seem to be meant."""
    from hookserve_gunicorn.translation import read_as_decimal

    return read_as_decimal(config)


@hookimpl
def derived_settings(config: Config) -> Iterable[SettingValue]:
    """What `threads`, `paste` and `raw_env` ask for."""
    from hookserve_gunicorn.derivation import derive

    return derive(config)


@hookimpl
def middlewares(config: Config) -> list[Middleware]:
    """What puts `root_path` into the scopes of an ASGI application."""
    root = config.get("root_path")
    if not root:
        return []
    from hookserve_gunicorn.root_path import middlewares

    return middlewares(root)


@hookimpl(wrapper=True)
def install_logs() -> Generator[None]:
    """gunicorn's loggers are other names of the server's."""
    from hookserve_gunicorn.aliases import separate, share

    separate()
    yield
    share()


@hookimpl(tryfirst=True)
def post_fork(worker: Worker) -> None:
    """As gunicorn, say in both environments what serves: ``gunicorn.SERVER_SOFTWARE``, set in a
    configuration file, or the variable decides."""
    package = sys.modules.get("gunicorn")
    own = f"gunicorn/{getattr(package, '__version__', '')}"
    software = getattr(package, "SERVER_SOFTWARE", own)
    if software != own:
        os.environ["SERVER_SOFTWARE"] = software
    worker.server_software = os.environ.setdefault("SERVER_SOFTWARE", worker.server_software)


@hookimpl
def takeover_adapters() -> list[Callable[..., None]]:
    """``gunicorn.socket``, which takes the connection over when it is first used."""

    def add_socket(environ: dict[str, Any], take_over: Callable[[], socket.socket]) -> None:
        from hookserve_gunicorn.client_socket import ClientSocket

        environ["gunicorn.socket"] = ClientSocket(take_over)

    return [add_socket]


@hookimpl
def file_contexts() -> list[AbstractContextManager[None]]:
    """A configuration file may import from gunicorn where that is not installed."""
    from hookserve_gunicorn.standin import standing_in

    return [standing_in()]


@hookimpl
def file_plugins(module: ModuleType, host: PluginHost) -> list[object]:
    """Plugins for what a configuration file defines: its `ssl_context`, and what its hooks need."""
    from hookserve_gunicorn.objects.names import hook_names

    context = getattr(module, "ssl_context", None)
    has_hooks = any(_is_hook(getattr(module, name, None)) for name in hook_names())
    if not has_hooks and not callable(context):
        return []
    from hookserve_gunicorn.objects.configuration import of_file
    from hookserve_gunicorn.objects.hooks import OBJECTS

    OBJECTS.belong_to(host)
    of_file(host).module = module
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


def _is_hook(value: object) -> bool:
    """A function, or a string that names one."""
    return callable(value) or isinstance(value, str)
