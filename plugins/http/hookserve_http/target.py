"""Request targets (RFC 9112, 3.2)."""

from __future__ import annotations

from hookserve_http import grammar
from hookserve_http.errors import BadRequest


def split_target(method: str, target: str) -> tuple[str, str]:
    """Path with query, and authority, of a target that is not in origin form (RFC 9112, 3.2).

    Raises BadRequest.
    """
    if method == "CONNECT":
        # RFC 9110, 9.3.6: an empty or invalid port is refused.
        found = grammar.AUTHORITY.fullmatch(target)
        if found is None or not 0 < int(found[1]) < 65536:
            raise BadRequest("invalid target for CONNECT")
        return "", target
    if target == "*":
        if method != "OPTIONS":
            raise BadRequest("the target * is for OPTIONS only")
        return "*", ""
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise BadRequest("invalid request target")
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority = rest[:cut]
    if not authority or not grammar.HOST.fullmatch(authority):
        raise BadRequest("invalid authority in the request target")
    return rest[cut:] if rest[cut : cut + 1] == "/" else f"/{rest[cut:]}", authority


def unquote(path: str) -> str:
    """A path without percent escapes: bytes as latin-1 (PEP 3333)."""
    # Imported here: many applications never see such a path, and the module is large.
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path).decode("latin-1")
