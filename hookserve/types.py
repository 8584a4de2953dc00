"""The records that plugins return and receive.

A target is named by a string, ``"package.module:attribute"``, and imported when it is chosen.
"""

# No annotations as strings here: each would be compiled when its record is made, at every start.

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol

from hookserve.requests import AccessRecord as AccessRecord
from hookserve.requests import Request as Request
from hookserve.requests import RequestInFlight as RequestInFlight
from hookserve.requests import Response as Response

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # mypy and pyright know it, and need no package

    T = TypeVar("T", default=Any)  # Any: a Setting without a type, as before it had one
else:
    from typing import TypeVar

    T = TypeVar("T")

WSGIApplication = Callable[..., Iterable[bytes]]
"""An application (PEP 3333): called with an environ and start_response, returns the body."""

API_LEVEL = 1
"""The level of the hook specifications and the worker seam.

A plugin module may state ``hookserve_api = N``, the level it was written for;
another level than this is refused, naming both.
"""


class Setting(NamedTuple, Generic[T]):
    """One setting: flag, variable, file key, validation and reference follow from it.

    `T` is the type of its values; `Config.value` returns one.
    """

    name: str
    """The file key; ``--name-with-dashes`` and ``HOOKSERVE_NAME`` are derived from it."""
    default: T
    """Its value when no source gives one."""
    kind: Callable[[object], T]
    """Turns a raw value (a string from the command line or environment, anything from a file)
    into the setting's own type; raises ValueError with what was expected."""
    summary: str
    """One line for ``--help`` and the reference."""
    flags: tuple[str, ...] = ()
    """Further flags, short ones and other spellings."""
    repeatable: bool = False
    """Whether the flag may be repeated; each occurrence adds one item."""
    switch: bool | None = None
    """What the bare flag stands for (`True` or `False`); `None`: the flag takes a value."""
    metavar: str | None = None
    """What ``--help`` calls the value; `None`: its name in capitals."""
    hidden: bool = False
    """Whether the command line has no flag for it (hooks, tables, mappings)."""
    details: str = ""
    """Further paragraphs for the reference."""
    needs: tuple[str, ...] = ()
    """Settings, one of which must be set for this one to have an effect; otherwise a value for
    this one is a warning.  ``name``: any value that is not empty, zero, ``off`` or ``none``;
    ``name=value``: that value; ``name!=value``: any other."""
    implies: Mapping[str, Mapping[str, Any]] = MappingProxyType({})  # Any: as `default`
    """For values of this setting, the values of others that no source has given one."""
    foreign: str | None = None
    """Another server's setting, accepted so that its command lines and files are read; it has no
    effect.  The text says what is lost and what to do; it is a warning where a source gives a value
    that is not the default, unless it is empty.  ``--help`` leaves the setting out, and a plugin
    that has the setting takes its place."""
    bare: str | None = None
    """The value that the flag has where none follows it; `None`: a value is needed."""


class Variable(NamedTuple):
    """An environment variable of another server's, or of a platform's, that is read here too."""

    name: str
    """The variable's name."""
    setting: str | None = None
    """The setting that it gives a default to; `None`: it has arguments, as a command line has
    them, which win over those of a Python file."""


class SettingValue(NamedTuple):
    """A value that a setting gets in place of the one that was given."""

    name: str
    """The setting's name."""
    value: Any  # Any: raw, as in a source; `None` for none
    """In place of the given one."""
    origin: str = ""
    """Where it comes from, for ``--print-config``; empty: from where the other was."""


class Capabilities(NamedTuple):
    """What a worker model can do; ``--list-workers -v`` shows it."""

    concurrency: str = "one request at a time"
    """How requests run beside each other, in a few words."""
    parallel: bool = False
    """Whether requests of one process overlap; ``wsgi.multithread`` says so too."""
    buffered: bool = False
    """Whether a request body is complete before the application runs."""
    request_timeout: str = "kill"
    """How `request_timeout` is enforced: ``kill`` (process), ``cancel`` (request) or ``report``."""
    keepalive: bool = True
    """Whether a connection may stay open after a response."""
    sendfile: bool = True
    """Whether ``wsgi.file_wrapper`` is sent by sendfile(2)."""
    websocket: bool = False
    """Whether it serves websockets."""
    hands_over: bool = False
    """Whether an application of WSGI may take its connection over (``hookserve.take_over``)."""
    settings: frozenset[str] = frozenset()
    """Settings that the model honours and other models need not: one that another model names
    and this one does not is a warning at start."""


class WorkerType(NamedTuple):
    """A worker model, described without importing it."""

    name: str
    """As ``-k`` takes it."""
    target: str
    """Where the `hookserve.worker.base.Worker` subclass is, as ``"package.module:Class"``."""
    summary: str
    """One line for ``--list-workers``."""
    patch: str | None = None
    """A function ``patch() -> None`` to run before the application is imported."""
    capabilities: Capabilities = Capabilities()
    """What it can do."""
    interfaces: tuple[str, ...] = ("wsgi",)
    """The interfaces of the applications that it runs: ``wsgi``, ``asgi`` or others by name."""


class ProtocolType(NamedTuple):
    """A protocol that workers can speak, described without importing it."""

    name: str
    """As the setting `protocol` takes it."""
    target: str
    """Where the `hookserve.protocol.seam.Protocol` subclass is."""
    summary: str
    """What it speaks, in one line."""
    interface: str = "wsgi"
    """The interface of the applications that it serves.  A name may be there once for each."""
    application_class: str = ""
    """A class, as ``"package.module:Class"``: its instances, and those of classes derived from it,
    are applications of this interface.  It is never imported."""


class Middleware(NamedTuple):
    """What goes around the application, described without importing it."""

    name: str
    """What messages call it."""
    target: str | Callable[[Any], Any]  # Any: an application of any interface
    """A function, or a class, that takes an application and returns one of the same interface; or
    where it is, as ``"package.module:attribute"``, to be imported in the worker alone."""
    interfaces: tuple[str, ...] = ("wsgi",)
    """The interfaces of the applications that it goes around.  It is left out of others, with a
    warning unless the plugin has one of the same name for them."""


class LoggerType(NamedTuple):
    """A logger, described without importing it."""

    name: str
    """As the setting `logger_class` takes it."""
    target: str
    """A factory ``make(config) -> plugin``, or ``make(config, host)``: what it returns is
    registered as a plugin, and takes part through the hooks `log_access`, `reopen_logs` and
    `worker_idle`."""
    summary: str
    """What it does, in one line."""


class Command(NamedTuple):
    """A command: ``hookserve NAME ...``."""

    name: str
    """The first word of the command line."""
    target: str
    """A function ``run(arguments: list[str]) -> int`` that returns the exit code.  One that has a
    parameter `config` too is given the `hookserve.config.resolved.Config` that a start would have;
    `arguments` are then what is no flag of a setting.

    Besides `config` it may have `host`: the `PluginHost`; `warnings`: what a start would warn of,
    a line each, which is printed otherwise; and `check`: a function that prepares a start up to
    the application, and raises what the start would raise.
    """
    summary: str
    """One line for ``--help``."""


class Diagnosis(NamedTuple):
    """One thing that ``hookserve doctor`` has looked at."""

    level: str
    """``ok``, ``note`` (it may be as it should be) or ``warning`` (it breaks deployments)."""
    subject: str
    """What was looked at, in a word or two."""
    text: str
    """What was found, in one line."""
    remedy: str = ""
    """What to do about it."""


class WorkerCounts(NamedTuple):
    """The workers as a restart plan sees them; those that are draining do not count."""

    wanted: int
    """How many there are to be."""
    ready: int
    """How many serve."""
    booting: int
    """How many boot at this moment."""
    outdated: int
    """How many of those that are ready are to be replaced."""
    canary_ready: bool
    """Whether one of the newest generation is ready."""


class RestartPlan(Protocol):
    """How a reload or recycling goes about it; asked again after every step."""

    def starts(self, counts: WorkerCounts) -> int:
        """How many more replacements may begin to boot now."""

    def retirements(self, counts: WorkerCounts) -> int:
        """How many outdated workers may be retired now, before their replacements are ready."""


class AuxiliaryProcess(NamedTuple):
    """A supervised auxiliary process that runs exactly once beside the workers.

    It is started again when it fails, with a growing pause, and not when it returns.  TERM ends
    it with the server, KILL after `graceful_timeout`; it ends at once when the arbiter dies.
    """

    name: str
    """What the log calls it."""
    target: Callable[[], None]
    """Runs in a process of its own, with the signals' default dispositions.  A handler that it sets
    wakes its main thread, whichever thread takes the signal; SIGURG is used for that.  The standard
    library is not patched in it, whatever the worker model or the application has patched."""
    is_unprivileged: bool = False
    """Whether it runs as the workers do: their user and group, and `raw_env`."""
    is_handed_over: bool = False
    """Whether it serves on across a re-exec (`preload_app`), until the next one is about to start:
    it needs nothing of the arbiter's but listeners and scoreboards.  Others end before it."""


class ScoreboardField(NamedTuple):
    """Memory that a plugin asks for in each worker's part of the scoreboard.

    The worker writes it (`hookserve.worker.scoreboard.Slot.cells`), every process reads it.
    """

    name: str
    """Lower-case letters, digits and ``_``; with the unit last, as ``loop_lag_seconds``.  The
    metric is ``hookserve_NAME`` or ``hookserve_worker_NAME``, with ``_field`` behind it where the
    server has one of that name."""
    summary: str
    """What it is, in one line, for the metrics' help."""
    kind: str = "gauge"
    """``counter``: of a worker that is gone its value is kept in the total, so that the sum never
    falls; ``gauge``: it is gone with the worker, and the metrics have the greatest of an index;
    ``memory``: the plugin alone reads it."""
    words: int = 1
    """How many numbers there are, of 8 bytes each."""
    is_real: bool = False
    """Whether they are floating-point numbers; otherwise unsigned integers."""


class ExitReason(NamedTuple):
    """Why a worker is gone."""

    kind: str
    """One of ``recycled``, ``drained``, ``boot failed``, ``timed out``, ``killed by us``,
    ``killed``, ``out of memory``, ``exited``."""
    detail: str = ""
    """The signal, the exit code, what was recycled for, the exception's text."""

    def __str__(self) -> str:
        return f"{self.kind} ({self.detail})" if self.detail else self.kind
