"""What is allowed in a request head, as the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class HeadRules(NamedTuple):
    """What is allowed in a head; from the settings of the same names."""

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
    """Names with underscores that are kept; empty for a peer that is not trusted."""
    secure_scheme_headers: Mapping[str, str] = MappingProxyType({})
    """Environ keys and the value that means https; empty for a peer that is not trusted."""


def rules_for(config: Any, trusted: bool) -> HeadRules:  # Any: the attributes vary
    """What the configuration allows a peer that is trusted, or is not."""
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
