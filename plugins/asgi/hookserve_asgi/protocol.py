"""ASGI on one listener of one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from hookserve_asgi.connection import AsgiConnection
from hookserve_http.fields import FieldLists
from hookserve_http.protocol import HttpProtocol

if TYPE_CHECKING:
    from hookserve.listeners.address import Endpoint as Address
    from hookserve.worker.base import Worker
    from hookserve_http.connection import HttpConnection
    from hookserve_http.head import HeadParser


class AsgiProtocol(HttpProtocol):
    """HTTP whose applications are coroutines; `worker` is one that runs them."""

    __slots__ = ("_fields", "body_timeout", "request_timeout", "root_path", "server", "state")

    connection_type: ClassVar[type[HttpConnection]] = AsgiConnection
    suspends = True

    def __init__(self, worker: Worker, local: Address, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        self._fields: dict[HeadParser, FieldLists] = {}
        self.root_path: str = worker.config.get("script_name")
        self.server = (local.host, int(local.port) if local.port else None)
        self.body_timeout: float = worker.config.body_timeout
        self.request_timeout: float = worker.config.request_timeout
        self.state: dict[str, Any] = {}  # Any: the application's
        """What the application has left in its lifespan."""

    def wrap_application(self) -> Any:
        """The application as it is: the path that it is mounted at is in the scope."""
        return self.worker.app

    def fields_of(self, parser: HeadParser) -> FieldLists:
        """The lists of header fields for heads of that parser."""
        found = self._fields.get(parser)
        if found is None:
            found = self._fields[parser] = FieldLists(parser)
        return found
