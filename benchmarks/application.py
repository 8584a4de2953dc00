"""What the servers serve beside ``examples.hello``: standard library only, the same for all."""

from __future__ import annotations

import zlib

SIZES = {"/10k": 10_000, "/1m": 1_000_000}
PIECES = 8
PIECE = b"0123456789abcdef" * 64
HELLO = b"Hello, world!\n"
_BODIES = {path: (PIECE * (size // len(PIECE) + 1))[:size] for path, size in SIZES.items()}

ENTRIES = [{"id": number, "title": f"Entry number {number}"} for number in range(20)]
TEMPLATE = (
    "<!doctype html><title>Entries</title><ul>{% for entry in entries %}"
    '<li><a href="/entry/{{ entry.id }}">{{ entry.title }}</a></li>{% endfor %}</ul>'
)
"""Jinja's language and Django's, both."""


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/upload":
        return upload(environ, start_response)
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (PIECE for _ in range(PIECES))
    return answer(start_response, _BODIES.get(path, HELLO))


def upload(environ, start_response):
    """Reads a body to its end; says how long it was, and with ``?checksum`` what it was."""
    read = environ["wsgi.input"].read
    has_checksum = environ.get("QUERY_STRING") == "checksum"
    size = checksum = 0
    while piece := read(65536):
        size += len(piece)
        if has_checksum:
            checksum = zlib.crc32(piece, checksum)
    return answer(start_response, b"%d %d\n" % (size, checksum))


def answer(start_response, body):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def page() -> bytes:
    """What TEMPLATE is rendered to."""
    rows = "".join(
        f'<li><a href="/entry/{each["id"]}">{each["title"]}</a></li>' for each in ENTRIES
    )
    return f"<!doctype html><title>Entries</title><ul>{rows}</ul>".encode()
