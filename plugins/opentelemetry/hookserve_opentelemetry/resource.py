"""What spans and metrics are said of (OpenTelemetry, "Resource")."""

from __future__ import annotations

import os
import socket
import uuid
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.worker.reading import Reading

_DEFAULT_NAME = "hookserve"
_VARIABLES = "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"


def make_resource(config: Config, pid: int, reading: Reading) -> Resource:
    """The service, the server that is an instance of it, and the process that it is said of.

    The instance is the same in all processes of a server, from its start to its end: metrics of
    another instance would be other metrics, which begin at the sums of the first.

    The name is the setting's, else that of OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES, which the
    package reads itself.
    """
    named: dict[str, int | str] = {"process.pid": pid}
    name, attributes = (os.environ.get(each, "") for each in _VARIABLES)
    if config.otlp_service_name:
        named["service.name"] = config.otlp_service_name
    elif not name and "service.name=" not in attributes:
        named["service.name"] = _DEFAULT_NAME
    if "service.instance.id=" not in attributes:
        server = f"{socket.gethostname()} {reading.pid} {reading.start_time}"
        named["service.instance.id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, server))
    return Resource.create(named)
