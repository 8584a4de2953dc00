"""What spans and metrics are said of (OpenTelemetry, "Resource")."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_DEFAULT_NAME = "hookserve"


def make_resource(config: Config, pid: int) -> Resource:
    """The service, and the process that it is said of.

    The name is the setting's, else that of OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES, which the
    package reads itself.
    """
    named: dict[str, int | str] = {"process.pid": pid}
    variables = os.environ.get("OTEL_SERVICE_NAME"), os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if config.otlp_service_name:
        named["service.name"] = config.otlp_service_name
    elif not variables[0] and "service.name=" not in (variables[1] or ""):
        named["service.name"] = _DEFAULT_NAME
    return Resource.create(named)
