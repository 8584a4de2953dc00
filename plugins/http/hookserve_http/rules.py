"""The rules for request heads, made from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class HeadRules(NamedTuple):
    """The settings of the same names, as `HeadParser` uses them."""

    limit_request_line: int = 4094
    limit_request_fields: int = 100
    limit_request_field_size: int = 8190
    permit_obsolete_folding: bool = False
    strip_header_spaces: bool = False
    permit_unconventional_http_method: bool = False
    permit_unconventional_http_version: bool = False
    casefold_http_method: bool = False
    header_map: str = "drop"
    forwarder_headers: frozenset[str] = frozenset()
    """Header names with underscores that are kept; empty for an untrusted client."""
    secure_scheme_headers: Mapping[str, str] = MappingProxyType({})
    """Environ keys, and the value of each that means https; empty for an untrusted client."""


def rules_for(config: Any, trusted: bool) -> HeadRules:  # Any: the attributes vary
    """The rules for a client address that is, or is not, a trusted proxy's."""
    secure = {
        "HTTP_" + name.upper().replace("-", "_"): value
        for name, value in config.secure_scheme_headers.items()
    }
    return HeadRules(
        limit_request_line=config.limit_request_line,
        limit_request_fields=config.limit_request_fields,
        limit_request_field_size=config.limit_request_field_size,
        permit_obsolete_folding=config.permit_obsolete_folding,
        strip_header_spaces=config.strip_header_spaces,
        permit_unconventional_http_method=config.permit_unconventional_http_method,
        permit_unconventional_http_version=config.permit_unconventional_http_version,
        casefold_http_method=config.casefold_http_method,
        header_map=config.header_map,
        forwarder_headers=frozenset(config.forwarder_headers) if trusted else frozenset(),
        secure_scheme_headers=secure if trusted else {},
    )
