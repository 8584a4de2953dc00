"""The ``req`` argument of the hooks; made only when a hook is implemented."""

from __future__ import annotations

from typing import Any

from hookserve.requests import REQUEST_ID


class RequestView:
    """A request, read from its environ; the names are gunicorn's."""

    __slots__ = ("__dict__", "environ")  # hooks may leave attributes for later ones

    environ: dict[str, Any]  # Any: PEP 3333
    """Set by the caller: an initializer would cost more than the rest of a hook's call."""

    @property
    def method(self) -> str:
        """The method."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def uri(self) -> str:
        """The request target as it was sent."""
        return str(self.environ["RAW_URI"])

    @property
    def path(self) -> str:
        """The target's path, decoded."""
        return str(self.environ["PATH_INFO"])

    @property
    def query(self) -> str:
        """The target's query, as it was sent."""
        return str(self.environ["QUERY_STRING"])

    @property
    def version(self) -> tuple[int, int]:
        """``(1, 1)`` or ``(1, 0)``."""
        major, _, minor = str(self.environ["SERVER_PROTOCOL"]).removeprefix("HTTP/").partition(".")
        return int(major), int(minor)

    @property
    def request_id(self) -> str:
        """The request's id; empty where requests have none."""
        return str(self.environ.get(REQUEST_ID, ""))

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The fields, names in upper case with hyphens."""
        found = [
            (key[5:].replace("_", "-"), value)
            for key, value in self.environ.items()
            if key.startswith("HTTP_")
        ]
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if key in self.environ:
                found.append((key.replace("_", "-"), self.environ[key]))
        return found
