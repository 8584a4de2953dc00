"""What the hooks see of a request as ``req``; made only when a hook listens."""

from __future__ import annotations

from typing import Any


class RequestView:
    """A request, read from its environ; the names are gunicorn's."""

    __slots__ = ("_environ",)

    def __init__(self, environ: dict[str, Any]) -> None:  # Any: PEP 3333
        self._environ = environ

    @property
    def method(self) -> str:
        """The method."""
        return str(self._environ["REQUEST_METHOD"])

    @property
    def uri(self) -> str:
        """The target as it was sent."""
        return str(self._environ["RAW_URI"])

    @property
    def path(self) -> str:
        """The target's path, decoded."""
        return str(self._environ["PATH_INFO"])

    @property
    def query(self) -> str:
        """The target's query, as it was sent."""
        return str(self._environ["QUERY_STRING"])

    @property
    def version(self) -> tuple[int, int]:
        """``(1, 1)`` or ``(1, 0)``."""
        major, _, minor = str(self._environ["SERVER_PROTOCOL"]).removeprefix("HTTP/").partition(".")
        return int(major), int(minor)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The fields, names in upper case with hyphens."""
        found = [
            (key[5:].replace("_", "-"), value)
            for key, value in self._environ.items()
            if key.startswith("HTTP_")
        ]
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if key in self._environ:
                found.append((key.replace("_", "-"), self._environ[key]))
        return found
