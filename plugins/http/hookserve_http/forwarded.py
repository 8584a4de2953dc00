"""The client's address from a trusted proxy's header: X-Forwarded-For, Forwarded or the like.

Each proxy appends the address of its client.  So the list is read from its end, past the addresses
of trusted proxies.  The first other address is the client's, because the client may have written
anything before it.  An element that is not an address (``unknown``, a pseudonym) ends the search:
then the client's address is the last one that was read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from hookserve.protocol.trust import address_of
from hookserve_http import grammar
from hookserve_http.errors import BadRequest
from hookserve_http.head import Environ, HeadParser
from hookserve_http.rules import HeadRules

# RFC 7239, 4: forwarded-pair = token "=" value, value = token / quoted-string; ";" is between
# pairs and "," between elements.
# Blanks follow a pair or begin it: two runs side by side would be tried in every division.
_PAIR = re.compile(
    r"""[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)"""
    r"""|"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)")[ \t]*)?([;,]|$)"""
)
_QUOTED = re.compile(r"\\(.)")
# RFC 7239, 6: an IPv6 address is in brackets; a port may follow.
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?|([0-9.]+)(?::([0-9]{1,5}))?")


class Hop(NamedTuple):
    """One element of the header: the client of one proxy."""

    node: str
    scheme: str = ""
    host: str = ""


class ForwardedParser(HeadParser):
    """A head parser for a trusted proxy's connections.

    `parse` also takes the client's address from the header `name`; from Forwarded also the scheme
    and the Host.  At most `most_hops` elements are believed; 0: as many as trusted proxies added.
    """

    def __init__(
        self,
        rules: HeadRules,
        template: Environ,
        name: str,
        is_trusted: Callable[[str], bool],
        most_hops: int = 0,
    ) -> None:
        super().__init__(rules, template)
        self._key = "HTTP_" + name.upper().replace("-", "_")
        self._is_trusted = is_trusted
        self._most_hops = most_hops or sys.maxsize
        self._hops = _hops_of_forwarded if self._key == "HTTP_FORWARDED" else _hops_of_list

    def parse(
        self,
        data: bytes,
        address: str = "",
        port: str = "",
        info: Environ | None = None,
    ) -> tuple[Environ, int]:
        """As `HeadParser.parse`."""
        environ, size = super().parse(data, address, port, info)
        text = environ.get(self._key)
        if text:
            self._apply(list(self._hops(text)), environ)
        return environ, size

    def _apply(self, hops: list[Hop], environ: Environ) -> None:
        found: Hop | None = None
        for hop in islice(reversed(hops), self._most_hops):
            address, port = _address_and_port(hop.node)
            if not address:
                break
            found = hop
            environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = address, port
            if not self._is_trusted(address):
                break
        if found is None:
            return
        if found.scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = found.scheme
        if found.host:
            if not grammar.HOST.fullmatch(found.host):
                error = BadRequest("invalid host in Forwarded")
                error.environ = environ
                raise error
            environ["HTTP_HOST"] = found.host


def _hops_of_list(text: str) -> Iterator[Hop]:
    """The elements of a header that is a list of addresses."""
    for part in text.split(","):
        yield Hop(part.strip(" \t"))


def _hops_of_forwarded(text: str) -> Iterator[Hop]:
    """The elements of a Forwarded header (RFC 7239); raises BadRequest if it is malformed."""
    at = 0
    pairs: dict[str, str] = {}
    while True:
        match = _PAIR.match(text, at)
        if match is None:
            raise BadRequest("malformed Forwarded header")
        name, token, quoted, end = match.groups()
        if name is not None:
            if name.lower() in pairs:
                raise BadRequest("repeated parameter in Forwarded")
            pairs[name.lower()] = token if token is not None else _QUOTED.sub(r"\1", quoted)
        if end != ";":
            if pairs:
                yield Hop(
                    pairs.get("for", ""), pairs.get("proto", "").lower(), pairs.get("host", "")
                )
            pairs = {}
        if not end:
            return
        at = match.end()


def _address_and_port(node: str) -> tuple[str, str]:
    """A node's address and port; the address is empty when the node is not an address."""
    match = _NODE.fullmatch(node)
    if match is not None:
        six, six_port, four, four_port = match.groups()
        text, port = six or four, six_port or four_port or ""
    else:
        text, port = node, ""  # an IPv6 address without brackets, as X-Forwarded-For has it
    address = address_of(text)
    return ("", "") if address is None else (str(address), port)
