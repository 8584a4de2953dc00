"""Heads that clients repeat byte for byte, as those do that poll: parsed once.

Between two requests of a client nothing of it changes but its address and port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookserve_http.fields import FIELDS

if TYPE_CHECKING:
    from hookserve_http.outgoing import OutgoingResponse

_CACHE_SIZE = 64
_CACHED_HEAD_LIMIT = 1024
_SEEN_SIZE = 1024
_MISSES = 4096
"""Misses of a full cache after which it is cleared."""

Client = tuple[str, int] | None
"""Address and port; `None`: it has none, as on a unix socket."""


class RepeatedHead:
    """What follows from a head, for every client that sends it."""

    __slots__ = ("data", "environ", "scope", "traits")

    def __init__(self, data: bytes, request: OutgoingResponse) -> None:
        self.data = data
        """The head."""
        self.environ: dict[str, Any] = {  # Any: PEP 3333
            **request.environ,
            "REMOTE_ADDR": "",
            "REMOTE_PORT": "",
        }
        self.traits = request.is_http11, request.is_bodiless, request.persists
        """As the attributes of `OutgoingResponse`."""
        self.scope: dict[str, Any] | None = None  # Any: the interface's
        """What an interface makes of the head, if it has made that."""

    def make_environ(self, client: Client) -> dict[str, Any]:  # Any: PEP 3333
        """The environ of a request by that client."""
        environ = self.environ.copy()
        if client is not None:
            environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
        return environ


class RepeatedHeads(dict[bytes, RepeatedHead]):
    """The repeated heads of one parser's clients; none unless a request `follows` from its head:
    observers before it runs may change it."""

    def __init__(self, follows: bool) -> None:
        super().__init__()
        self._limit = _CACHED_HEAD_LIMIT if follows else 0
        self._seen: set[int] = set()
        """The hashes of heads that have come once."""
        self._misses = 0

    def note(self, data: bytes, request: OutgoingResponse) -> None:
        """A head was parsed; nothing but the head may have had a part in its environ.

        It is kept from its second time on, if the block of its fields is cached.
        """
        environ = request.environ
        if len(data) > self._limit or FIELDS not in environ or "HTTP_UPGRADE" in environ:
            return
        key = hash(data)
        if key not in self._seen:
            if len(self._seen) >= _SEEN_SIZE:
                self._seen.clear()
            self._seen.add(key)
            return
        if len(self) >= _CACHE_SIZE:
            # When more heads alternate than the cache holds, they must not clear it each time.
            self._misses += 1
            if self._misses < _MISSES:
                return
            self._misses = 0
            self.clear()
        self[data] = RepeatedHead(data, request)
