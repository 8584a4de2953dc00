"""hookserve: a pre-fork application server whose every part is a plugin.

What plugin modules need is here and imports nothing heavy.  Authors of worker models and
protocols find their base classes in `hookserve.worker` and `hookserve.protocol`, and their
tests in `hookserve.testing`.
"""

from hookserve.errors import (
    AppImportError,
    AppNotFound,
    BootError,
    ConfigError,
    HookError,
    HookserveError,
    ListenError,
    PluginError,
    UsageError,
)
from hookserve.hookspecs import hookimpl
from hookserve.types import (
    API_LEVEL,
    AccessRecord,
    AuxProcess,
    Capabilities,
    Command,
    ExitReason,
    Fleet,
    LoggerType,
    ProtocolType,
    Request,
    RequestInFlight,
    Response,
    RestartPlan,
    Setting,
    WorkerType,
)

__version__ = "0.1.0"

__all__ = [
    "API_LEVEL",
    "AccessRecord",
    "AppImportError",
    "AppNotFound",
    "AuxProcess",
    "BootError",
    "Capabilities",
    "Command",
    "ConfigError",
    "ExitReason",
    "Fleet",
    "HookError",
    "HookserveError",
    "ListenError",
    "LoggerType",
    "PluginError",
    "ProtocolType",
    "Request",
    "RequestInFlight",
    "Response",
    "RestartPlan",
    "Setting",
    "UsageError",
    "WorkerType",
    "__version__",
    "hookimpl",
]
