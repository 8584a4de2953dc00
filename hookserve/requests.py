"""What is known of one request: in flight, when it is over, and as the hooks see it."""

# No annotations as strings here, as in `hookserve.types`.

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

REQUEST_ID = "hookserve.request_id"
"""The entry of an environ that has the request's id; it is missing where requests have none."""
_MOST_LISTED = 5
_ENTRIES = (
    *("REMOTE_ADDR", "REQUEST_METHOD", "SERVER_PROTOCOL"),
    *("RAW_URI", "PATH_INFO", "QUERY_STRING"),
)
"""What the formats of access logs have of an environ."""
_DELIMITERS = "[](),; "
_HIDDEN = str.maketrans(dict.fromkeys(_DELIMITERS, "?"))
_ENCODED = str.maketrans({each: f"%{ord(each):02X}" for each in _DELIMITERS})


class RequestInFlight(NamedTuple):
    """A request that a worker has begun and not finished, as the scoreboard shows it."""

    label: str
    """Method and target, cut to the scoreboard's width."""
    elapsed: float
    """Seconds since it began."""
    id: str = ""
    """What the client, or a proxy, calls it (``X-Request-ID``); empty when it has no name."""

    def __str__(self) -> str:
        # The client chose both: neither must seem to end where the report's own text goes on.
        method, blank, target = self.label.partition(" ")
        label = f"{method.translate(_ENCODED)}{blank}{target.translate(_ENCODED)}"
        name = f" [{self.id.translate(_HIDDEN)}]" if self.id else ""
        return f"{label}{name} ({self.elapsed:.1f} s)"


def list_requests(requests: Sequence[RequestInFlight]) -> str:
    """The first of them, as reports name them, and how many there are besides; empty for none."""
    listed = ", ".join(map(str, requests[:_MOST_LISTED]))
    more = len(requests) - _MOST_LISTED
    return f"{listed} and {more} more" if more > 0 else listed


class AccessRecord:
    """One request, finished, refused, aborted or killed; made only when a plugin logs.

    It may be kept.  It must not be changed, nor what it refers to.
    """

    # No named tuple: to make one and to take it apart costs a third of an access log's line.
    __slots__ = (
        "began",
        "ended",
        "environ",
        "headers",
        "reason",
        "request_line",
        "sent",
        "status_code",
    )

    def __init__(
        self,
        environ: dict[str, Any] | None,  # Any: PEP 3333 says so
        status_code: int,
        headers: list[tuple[str, str]],
        sent: int,
        began: float,
        ended: float,
        reason: str = "",
        request_line: str = "",
        *,
        address: str = "",
        method: str = "",
        target: str = "",
        protocol: str = "",
    ) -> None:
        """A protocol without an environ gives `None`, and the last four."""
        if environ is None:
            given = address, method, protocol, target, target, ""
            environ = dict(zip(_ENTRIES, given, strict=True))
        self.environ = environ
        """As of WSGI, whatever the interface; partial for a request that was refused or killed, and
        for other protocols than HTTP."""
        self.status_code = status_code
        """As it was sent; 0 when nothing was."""
        self.headers = headers
        """The response's."""
        self.sent = sent
        """Bytes of the response body that were handed to the kernel."""
        self.began = began
        """When the request head was complete, in seconds of the monotonic clock."""
        self.ended = ended
        """When the last byte was handed over, or the request was aborted."""
        self.reason = reason
        """Why the exchange did not end as the application meant it to; empty when it did."""
        self.request_line = request_line
        """As it came, of a request that was refused or killed; empty for others."""

    @property
    def address(self) -> str:
        """The client's; empty where it has none, as on a unix socket."""
        return str(self.environ.get("REMOTE_ADDR", ""))

    @property
    def method(self) -> str:
        """What was to be done; empty where that did not come."""
        return str(self.environ.get("REQUEST_METHOD", ""))

    @property
    def target(self) -> str:
        """With what, as it came: of HTTP the request target (RFC 9112, 3.2)."""
        return str(self.environ.get("RAW_URI", ""))

    @property
    def protocol(self) -> str:
        """By what, with its version: ``HTTP/1.1``."""
        return str(self.environ.get("SERVER_PROTOCOL", ""))

    @property
    def request_id(self) -> str:
        """The request's id (`request_id`); empty where requests have none."""
        return str(self.environ.get(REQUEST_ID, ""))

    @property
    def elapsed(self) -> float:
        """Seconds from the complete request head to the last byte handed over."""
        return self.ended - self.began

    def __repr__(self) -> str:
        line = self.request_line or self.target
        return f"<AccessRecord {line!r} {self.status_code} {self.sent} bytes {self.elapsed:.6f} s>"


class Request(Protocol):
    """What the hooks see of a request as ``req``; under the names of gunicorn's API."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def uri(self) -> str:
        """The request target as it was sent."""

    @property
    def path(self) -> str:
        """The target's path, decoded."""

    @property
    def query(self) -> str:
        """The target's query, as it was sent."""

    @property
    def version(self) -> tuple[int, int]:
        """``(1, 1)`` or ``(1, 0)``."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in upper case with hyphens, as in gunicorn's API."""

    @property
    def request_id(self) -> str:
        """The request's id (`request_id`); empty where requests have none."""


class Response(Protocol):
    """What the hooks see of a response as ``resp``; under the names of gunicorn's API."""

    @property
    def status(self) -> str:
        """``"200 OK"``; empty when the application never started a response."""

    @property
    def status_code(self) -> int:
        """The status as a number; 0 when there is none."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The application's headers."""

    @property
    def sent(self) -> int:
        """Bytes of the body handed to the kernel so far."""

    @property
    def elapsed(self) -> float:
        """Seconds from the complete request head to the last byte handed over."""
