"""The forms in which the status is shown, and which one a client wants."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING

from hookserve_status.address import SIGN

if TYPE_CHECKING:
    from hookserve_status.snapshot import Source

JSON = "application/json"
_TEXT, _HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"
FORMS = {
    "json": ("application/json",),
    "text": ("text/plain",),
    "metrics": ("application/openmetrics-text",),
    "html": ("text/html", "application/xhtml+xml"),
}
"""By the media types; of those that a client likes alike the first one wins."""
FILES = {"/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8"}
"""What the page loads."""
HEADERS = (
    (SIGN, "1"),
    ("Cache-Control", "no-store"),
    ("Vary", "Accept"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        " img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
)
"""Of each response."""


def negotiate(accept: str) -> str:
    """The form that a client likes best, by its Accept (RFC 9110, 12.5.1); JSON when it likes
    none of them."""
    best, quality = "json", 0.0
    wishes = [_wish(part) for part in accept.split(",")]
    for form, types in FORMS.items():
        found = max(_quality(each, wishes) for each in types)
        if found > quality:
            best, quality = form, found
    return best


def _wish(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip() for each in part.lower().split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0


def _quality(media_type: str, wishes: list[tuple[str, float]]) -> float:
    """Of the most specific range that matches; of several alike, the highest."""
    for pattern in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        found = [quality for name, quality in wishes if name == pattern]
        if found:
            return max(found)
    return 0.0


def render(form: str, source: Source, opened: str = "") -> tuple[str, bytes]:
    """Content type and body; `opened` is the section of the page that is not folded."""
    if form == "metrics":
        from hookserve_status.openmetrics import CONTENT_TYPE

        return CONTENT_TYPE, source.metrics().render().encode()
    snapshot = source.make()
    if form == "html":
        from hookserve_status.page import render_page

        return _HTML, render_page(snapshot, opened).encode()
    if form == "text":
        from hookserve_status.text import render_text

        return _TEXT, render_text(snapshot).encode()
    # Indented, it would be encoded in Python and not in C, which takes as long as all the rest.
    return JSON, json.dumps(snapshot, default=str).encode() + b"\n"


def read_file(path: str) -> tuple[str, bytes]:
    """Content type and body of one of `FILES`."""
    return FILES[path], resources.files(__package__).joinpath(path.lstrip("/")).read_bytes()
