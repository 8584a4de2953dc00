"""Settings of the logs that take each other's effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hookserve_logging.custom import FORMS

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_OF_ERRORS = ("errorlog", "error_log_format", "capture_output")
"""What a configuration of `logging` that has the error log decides instead."""


def find_conflicts(
    config: Config, names: Sequence[str] = (), access_names: Sequence[str] = ()
) -> Iterator[str]:
    """A line for each setting that another one takes the effect of, and for each log that is lost.

    `names` and `access_names` are the loggers of the error log and of the access log whose records
    the handlers of a configuration of `logging` get.  In the background the standard streams go to
    /dev/null.
    """
    custom = [name for name in FORMS if config.get(name)]
    for name in custom[1:]:
        if config.was_given(name):
            yield f"{name} ({config.origin(name)}): it has no effect beside {custom[0]}"
    taken = [(setting, names) for setting in _OF_ERRORS] + [("accesslog", access_names)]
    for name, loggers in taken:
        if loggers and config.was_given(name):
            yield (
                f"{name} ({config.origin(name)}): it has no effect beside {custom[0]}, whose"
                f" handlers get what {loggers[0]} logs"
            )
    if not config.daemon or config.enable_stdio_inheritance or config.syslog:
        return
    streams = (("errorlog", names, "error"), ("accesslog", access_names, "output"))
    for name, loggers, stream in streams:
        if config.get(name) == "-" and not loggers:
            yield (
                f"{name} ({config.origin(name)}): standard {stream} goes to /dev/null with daemon,"
                " and the log with it (name a file)"
            )
