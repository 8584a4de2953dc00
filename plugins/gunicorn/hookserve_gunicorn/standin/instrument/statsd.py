"""Stands in for ``gunicorn.instrument.statsd``: the base of loggers that send metrics.

The settings of statsd ask for the metrics of requests, workers and the log, whatever the logger.
What a class sends beside them goes the same way, to the daemon of `statsd_host`.
"""

from __future__ import annotations

import logging
from typing import Any

from ..glogging import Logger

METRIC_VAR = "metric"
VALUE_VAR = "value"
MTYPE_VAR = "mtype"
GAUGE_TYPE = "gauge"
COUNTER_TYPE = "counter"
HISTOGRAM_TYPE = "histogram"
TIMER_TYPE = "timer"


class Statsd(Logger):
    """A logger with the methods of statsd."""

    def log(self, lvl: int | str, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as there
        """As of `Logger`; ``metric``, ``value`` and ``mtype`` of `extra` are sent as well."""
        extra = kwargs.get("extra") or {}
        name, value, kind = (extra.get(key) for key in (METRIC_VAR, VALUE_VAR, MTYPE_VAR))
        if name and kind and value is not None:
            _send(name, value, kind)
        if msg:
            super().log(lvl, msg, *args, **kwargs)

    def info(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log a message; see `log`."""
        self.log(logging.INFO, msg, *args, **kwargs)

    def debug(self, msg: str, *args: object, **kwargs: Any) -> None:  # Any: as of logging
        """Log a detail; see `log`."""
        self.log(logging.DEBUG, msg, *args, **kwargs)

    def gauge(self, name: str, value: float) -> None:
        """Send a value that is so now."""
        _send(name, value, "gauge")

    def increment(self, name: str, value: float, sampling_rate: float = 1.0) -> None:
        """Count up; every call is sent, whatever the rate."""
        _send(name, value, "counter")

    def decrement(self, name: str, value: float, sampling_rate: float = 1.0) -> None:
        """Count down; every call is sent, whatever the rate."""
        _send(name, -value, "counter")

    def timer(self, name: str, value: float) -> None:
        """Send a duration in milliseconds."""
        _send(name, value, "timer")

    def histogram(self, name: str, value: float) -> None:
        """Send a value of a distribution."""
        _send(name, value, "histogram")


def _send(name: str, value: object, kind: str) -> None:
    """Have the handlers of the server's log that send metrics do so: those of the plugin statsd."""
    for handler in logging.getLogger("hookserve").handlers:
        send = getattr(handler, "send_metric", None)
        if send is not None:
            send(name, value, kind)
