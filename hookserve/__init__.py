"""hookserve: a pre-fork application server whose every part is a plugin.

What plugin modules need is here and imports nothing heavy.  The base class of worker models is
`hookserve.worker.base.Worker`, those of protocols are in `hookserve.protocol.seam`, and what their
authors test with is in `hookserve.testing`.
"""

from hookserve.embedding import run
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
from hookserve.hookmarkers import hookimpl
from hookserve.types import (
    API_LEVEL,
    AccessRecord,
    AuxiliaryProcess,
    Capabilities,
    Command,
    Diagnosis,
    ExitReason,
    LoggerType,
    Middleware,
    ProtocolType,
    Request,
    RequestInFlight,
    Response,
    RestartPlan,
    ScoreboardField,
    Setting,
    SettingValue,
    Variable,
    WorkerCounts,
    WorkerType,
)

__version__ = "0.1.0"

__all__ = [
    "API_LEVEL",
    "AccessRecord",
    "AppImportError",
    "AppNotFound",
    "AuxiliaryProcess",
    "BootError",
    "Capabilities",
    "Command",
    "ConfigError",
    "Diagnosis",
    "ExitReason",
    "HookError",
    "HookserveError",
    "ListenError",
    "LoggerType",
    "Middleware",
    "PluginError",
    "ProtocolType",
    "Request",
    "RequestInFlight",
    "Response",
    "RestartPlan",
    "ScoreboardField",
    "Setting",
    "SettingValue",
    "UsageError",
    "Variable",
    "WorkerCounts",
    "WorkerType",
    "__version__",
    "hookimpl",
    "run",
]
