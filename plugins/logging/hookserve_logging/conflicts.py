"""Settings of the logs that take each other's effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hookserve_logging.custom import FORMS

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_REPLACED = ("errorlog", "error_log_format", "capture_output")
"""What a configuration of `logging` decides instead."""


def find_conflicts(config: Config, access_names: Sequence[str] = ()) -> Iterator[str]:
    """A line for each setting that another one takes the effect of, and for each log that is lost.

    `access_names` are the loggers of the access log to which a configuration of `logging` gives
    handlers.  In the background the standard streams go to /dev/null.
    """
    custom = [name for name in FORMS if config.get(name)]
    for name in (*custom[1:], *(_REPLACED if custom else ())):
        if config.was_given(name):
            yield f"{name} ({config.origin(name)}): it has no effect beside {custom[0]}"
    if access_names and config.was_given("accesslog"):
        yield (
            f"accesslog ({config.origin('accesslog')}): it has no effect beside {custom[0]}, which"
            f" gives handlers to {access_names[0]}"
        )
    if config.daemon and not config.enable_stdio_inheritance and not custom and not config.syslog:
        for name, stream in (("errorlog", "standard error"), ("accesslog", "standard output")):
            if config.get(name) == "-":
                yield (
                    f"{name} ({config.origin(name)}): {stream} goes to /dev/null with daemon, and"
                    " the log with it (name a file)"
                )
