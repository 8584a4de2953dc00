"""Sends metrics to a statsd daemon, under the names that gunicorn has.

table
    counters of one process, which the arbiter reads
lines
    the lines of the protocol, in datagrams
sender
    the daemon's address, and how it is sent to
metrics
    puts them together for one configuration
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import Setting, hookimpl
from hookserve.config.values import boolean, optional_text, text

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

__version__ = "0.1.0"


def statsd_address(value: object) -> str | None:
    """``host:port`` or ``unix://PATH``, or nothing."""
    found = optional_text(value)
    if found is not None:
        from hookserve_statsd.sender import parse

        parse(found)
    return found


def metric_text(value: object) -> str:
    """A string of one line, without what has a meaning in the protocol."""
    found = text("" if value is None else value)
    if any(sign in found for sign in "|\n\r") or not found.isascii():
        raise ValueError("expected a string of ASCII characters without '|' and line ends")
    return found


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "statsd_host",
        None,
        statsd_address,
        "send metrics to the statsd daemon at HOST:PORT or unix://PATH",
        metavar="ADDRESS",
    ),
    Setting(
        "statsd_prefix",
        "",
        metric_text,
        "what the metrics' names begin with",
        needs=("statsd_host",),
    ),
    Setting(
        "dogstatsd_tags",
        "",
        metric_text,
        "tags of each metric, for Datadog's daemon: name:value,name:value",
        metavar="TAGS",
        needs=("statsd_host",),
    ),
    Setting(
        "enable_backlog_metric",
        False,
        boolean,
        "send how many connections wait to be accepted, too",
        switch=True,
        needs=("statsd_host",),
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Where to, and under which names."""
    return SETTINGS


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """The metrics, when there is a daemon to send them to."""
    if not config.statsd_host:
        return []
    from hookserve_statsd.metrics import Metrics

    return [Metrics(config)]
