"""Sends spans and metrics to a collector of OpenTelemetry, by OTLP over HTTP.

resource
    what all of it is said of: the service
spans
    a span for each request, in the workers
metrics
    the scoreboard as metrics
exporting
    the auxiliary process that sends them
export_log
    whether exports succeed, in the server's log
telemetry
    puts them together for one configuration
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import Setting, Variable, hookimpl
from hookserve.config.values import optional_interval, optional_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hookserve.config.resolved import Config

__version__ = "0.1.0"


def collector_url(value: object) -> str | None:
    """``http://`` or ``https://`` and what follows, or nothing; without a slash at its end."""
    found = optional_text(value)
    if not found:
        return None
    from urllib.parse import urlsplit

    try:
        url = urlsplit(found)
        is_one = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:  # the port is no number, or the brackets of an address are not closed
        is_one = False
    if not is_one:
        raise ValueError("expected the URL of a collector, such as http://localhost:4318")
    return found.rstrip("/")


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "otlp_endpoint",
        None,
        collector_url,
        "send spans and metrics to the OpenTelemetry collector at this URL, by OTLP over HTTP",
        metavar="URL",
    ),
    Setting(
        "otlp_service_name",
        None,
        optional_text,
        "the resource's service.name; without it OTEL_SERVICE_NAME has it, else it is hookserve",
        metavar="NAME",
        needs=("otlp_endpoint",),
    ),
    Setting(
        "otlp_interval",
        15.0,
        optional_interval,
        "seconds between two exports of the metrics; 0: spans alone are sent",
        metavar="SECONDS",
        needs=("otlp_endpoint",),
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Where to, and in whose name."""
    return SETTINGS


@hookimpl
def variables() -> Iterable[Variable]:
    """The name that the specification of OpenTelemetry gives to the address."""
    return (Variable("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"),)


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """What sends, when there is a collector."""
    if not config.otlp_endpoint:
        return []
    from hookserve_opentelemetry.telemetry import Telemetry

    return [Telemetry(config)]
