"""Request ids (`request_id`): believed of trusted proxies, made for all others, and passed on.

What takes the place of the usual parser, connection and exchange is chosen when a worker boots, so
that a server without ids has none of it.  The application, hooks and records have the id in the
environ, as the header and as `hookserve.requests.REQUEST_ID`; the client has it in the response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, cast

from hookserve.requests import REQUEST_ID
from hookserve_http.connection import HttpConnection
from hookserve_http.errors import BadRequest
from hookserve_http.fields import FieldLists

if TYPE_CHECKING:
    from hookserve_http.fields import Fields
    from hookserve_http.head import Environ, HeadParser
    from hookserve_http.outgoing import OutgoingResponse

_SIZE = 16
"""Bytes of an id that is made here."""
_ACCEPTED = re.compile(r"[0-9A-Za-z._~:;/+=@|-]{1,128}")
"""What UUIDs, ULIDs, trace contexts and the ids of the known proxies are made of.  There is no
blank, comma, quote, bracket or control character: an id is one word in each log and header."""


class RequestIds:
    """The ids of one listener of one worker: made in the worker, so that a fork repeats none."""

    __slots__ = ("_bits", "_lines", "field", "header", "key", "prefix")

    def __init__(self, header: str) -> None:
        self._bits = Random().getrandbits  # seeded by the kernel; what applications seed is another
        self.header = header
        self.key = "HTTP_" + header.upper().replace("-", "_")
        """Of the environ."""
        self.field = header.lower().encode()
        """The name of the field in lower case."""
        self._lines = re.compile(b"\n" + re.escape(self.field) + b"[ \t]*:", re.IGNORECASE)
        self.prefix = f"{header}: ".encode()
        """The beginning of the line in the response."""

    def make(self) -> str:
        """A new one: 32 hexadecimal digits."""
        return self._bits(_SIZE * 8).to_bytes(_SIZE, "big").hex()

    def without_repeated(self, head: bytes, environ: Mapping[str, Any]) -> dict[str, Any]:
        """What is known of a head that was not parsed to its end, without an id that came twice;
        where one was, the two are one value, which is no id."""
        found = {**environ}
        if len(self._lines.findall(head)) > 1:
            found.pop(self.key, None)
        return found

    def identify(self, environ: Environ, believes: bool) -> None:
        """Enter the id of a request: the client's, if it is believed and valid, or a new one."""
        found = environ.get(self.key) if believes else None
        if found is None or not _ACCEPTED.fullmatch(found):
            found = self.make()
        environ[self.key] = environ[REQUEST_ID] = found


def identifying_parser(kind: type[HeadParser], ids: RequestIds, believes: bool) -> type[HeadParser]:
    """That kind of parser, whose environs have an id; the client's where it `believes` clients."""

    class IdentifyingParser(kind):  # type: ignore[misc,valid-type]  # mypy wants it literally
        """Enters the id after everything else."""

        class field_lists_type(FieldLists):  # an attribute of `HeadParser`
            """With the id in the place of the field that has come."""

            __slots__ = ()

            def of(self, head: bytes, environ: Environ) -> Fields:
                """As `FieldLists.of`."""
                found = [each for each in super().of(head, environ) if each[0] != ids.field]
                found.append((ids.field, environ[REQUEST_ID].encode("ascii")))
                return found

        def parse(
            self, data: bytes, address: str = "", port: str = "", info: Environ | None = None
        ) -> tuple[Environ, int]:
            """As `HeadParser.parse`."""
            try:
                environ, size = super().parse(data, address, port, info)
            except BadRequest as error:
                error.environ = ids.without_repeated(data, error.environ)
                raise
            ids.identify(environ, believes)
            return environ, size

        def identify(self, environ: Environ) -> None:
            """Enter the id of a request that is refused, if it has none yet."""
            if REQUEST_ID not in environ:
                ids.identify(environ, believes)

    return cast("type[HeadParser]", IdentifyingParser)


@cache
def identifying_connection(kind: type[HttpConnection]) -> type[HttpConnection]:
    """That kind of connection, whose refusals have an id too."""

    class IdentifyingConnection(kind):  # type: ignore[misc,valid-type]  # as above
        """Has ids where nothing could be parsed."""

        __slots__ = ()

        def refuse(
            self, error: BadRequest, environ: Mapping[str, Any], head: bytes
        ) -> int:  # Any: PEP 3333
            environ = {**environ}
            self._parser.identify(environ)
            header = self.endpoint.request_ids.header
            error.fields = *error.fields, (header, environ[REQUEST_ID])
            return cast("int", super().refuse(error, environ, head))

    return cast("type[HttpConnection]", IdentifyingConnection)


@cache
def identified_exchange(kind: type[OutgoingResponse]) -> type[OutgoingResponse]:
    """That kind of exchange, whose response and messages have the request's id."""

    class IdentifiedExchange(kind):  # type: ignore[misc,valid-type]  # as above
        """Keeps the id: the application may change its environ."""

        __slots__ = ("request_id",)

        def __init__(self, *arguments: Any) -> None:  # Any: those of its kind
            super().__init__(*arguments)
            self.request_id: str = self.environ[REQUEST_ID]

        @property
        def method_and_target(self) -> tuple[str, str]:
            """As `OutgoingResponse.method_and_target`, with the id behind the target."""
            method, target = super().method_and_target
            return method, f"{target} [{self.request_id}]"

        def id_fields(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
            """As `OutgoingResponse.id_fields`."""
            header = self.endpoint.request_ids.header
            if any(name.lower() == header.lower() for name, _ in headers):
                return []
            return [(header, self.request_id)]

        def make_head(self, size: int) -> bytes:
            head: bytes = super().make_head(size)
            ids: RequestIds = self.endpoint.request_ids
            if b"\r\n%b:" % ids.field in self.head_lines.lower():
                return head
            return b"%b%b%b\r\n\r\n" % (head[:-2], ids.prefix, self.request_id.encode("ascii"))

    return cast("type[OutgoingResponse]", IdentifiedExchange)
