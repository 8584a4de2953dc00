"""What the client asks, and what it must be answered: data."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

from benchmarks.application import HELLO, PIECE, PIECES, SIZES, page

BROWSER_HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br",
    "Referer: http://127.0.0.1/index.html",
    "Cookie: session=0123456789abcdef; theme=dark",
    "Upgrade-Insecure-Requests: 1",
    "Cache-Control: max-age=0",
    "DNT: 1",
)
"""With Host and Connection, eleven."""

HELLO_APPLICATION = "examples.hello:application"
APPLICATION = "benchmarks.application:application"
PIPELINED = 16
_CHUNK = 4096


def get(path: str = "/", *more: str, keep_alive: bool = True) -> bytes:
    """A request without a body and with these headers besides."""
    return _head(f"GET {path}", *more, keep_alive=keep_alive)


def post(size: int, *, checksum: bool = False) -> bytes:
    """A body of this size, its length said before."""
    return _post(f"Content-Length: {size}", _content(size), checksum=checksum)


def post_chunked(size: int, *, checksum: bool = False) -> bytes:
    """The same in chunks of 4 KiB."""
    content = _content(size)
    pieces = [content[start : start + _CHUNK] for start in range(0, size, _CHUNK)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    return _post("Transfer-Encoding: chunked", body, checksum=checksum)


def _post(framing: str, body: bytes, *, checksum: bool) -> bytes:
    target = "/upload?checksum" if checksum else "/upload"
    headers = (*BROWSER_HEADERS, "Content-Type: application/octet-stream", framing)
    return _head(f"POST {target}", *headers, keep_alive=True) + body


def _head(line: str, *headers: str, keep_alive: bool) -> bytes:
    connection = (
        ()
        if keep_alive and not headers
        else (f"Connection: {'keep-alive' if keep_alive else 'close'}",)
    )
    lines = (f"{line} HTTP/1.1", "Host: 127.0.0.1", *headers, *connection, "", "")
    return "\r\n".join(lines).encode()


def _content(size: int) -> bytes:
    return (PIECE * (size // len(PIECE) + 1))[:size]


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of load."""

    name: str
    title: str
    request: bytes
    """What the client sends at a time, on each connection."""
    body: bytes = HELLO
    """Of each answer."""
    answers: int = 1
    """To one ``request``."""
    application: str = HELLO_APPLICATION
    connections: int = 64
    workers: int = 1
    threads: int = 4
    """Of each worker that has any."""
    has_access_log: bool = False
    seconds: int = 1
    """Of load in a turn."""
    checked: tuple[bytes, bytes] | None = None
    """Another request and its answer, for the check alone."""
    is_side_by_side: bool = False
    """Whether all servers are there from the first turn to the last, each started once."""

    @property
    def is_kept(self) -> bool:
        """Whether a connection is for more than one request."""
        return b"\r\nConnection: close\r\n" not in self.request

    @property
    def questions(self) -> tuple[tuple[bytes, bytes], ...]:
        """Requests with the body of the answers that are right."""
        return (*((self.checked,) if self.checked else ()), (self.request, self.body))


BARE_REQUEST = get()
"""Every application answers it."""

BARE = Case("hello-bare", "hello, a bare head", BARE_REQUEST)
BROWSER = Case("hello-browser", "hello, a browser's head", get("/", *BROWSER_HEADERS))
FRESH = Case(
    "fresh",
    "a fresh connection for each request",
    get("/", *BROWSER_HEADERS, keep_alive=False),
    connections=16,
)


def _download(name: str, title: str, path: str, connections: int) -> Case:
    return Case(
        name,
        title,
        get(path, *BROWSER_HEADERS),
        _content(SIZES[path]),
        application=APPLICATION,
        connections=connections,
    )


def _upload(name: str, title: str, size: int, connections: int, *, chunked: bool = False) -> Case:
    build = post_chunked if chunked else post
    checked = build(size, checksum=True), b"%d %d\n" % (size, zlib.crc32(_content(size)))
    return Case(
        name,
        title,
        build(size),
        b"%d 0\n" % size,
        application=APPLICATION,
        connections=connections,
        checked=checked,
    )


RESPONSE_10K = _download("response-10k", "a response of 10 KB", "/10k", 64)
RESPONSE_1M = _download("response-1m", "a response of 1 MB", "/1m", 16)
RESPONSE_CHUNKED = Case(
    "response-chunked",
    f"a response of {PIECES} chunks of 1 KiB",
    get("/stream", *BROWSER_HEADERS),
    PIECE * PIECES,
    application=APPLICATION,
)
POST_1K = _upload("post-1k", "a body of 1 KB", 1_000, 64)
POST_100K = _upload("post-100k", "a body of 100 KB", 100_000, 16)
# Longer, for those under way at its end are worked on and not counted.
POST_10M = replace(_upload("post-10m", "a body of 10 MB", 10_000_000, 4), seconds=3)
POST_CHUNKED = _upload(
    "post-chunked", "a body of 100 KB in chunks of 4 KiB", 100_000, 16, chunked=True
)
PIPELINING = Case(
    "pipelining",
    f"{PIPELINED} requests at a time",
    BROWSER.request * PIPELINED,
    answers=PIPELINED,
    connections=16,
)
FLASK = Case(
    "flask",
    "a page of Flask",
    BROWSER.request,
    page(),
    application="benchmarks.flask_page:application",
    connections=16,
)
DJANGO = replace(
    FLASK, name="django", title="a page of Django", application="benchmarks.django_page:application"
)
ACCESS_LOG = replace(
    BROWSER, name="access-log", title="hello, the access log on", has_access_log=True
)
CONNECTIONS_1000 = replace(
    BROWSER, name="connections-1000", title="hello, 1,000 connections", connections=1000, seconds=2
)
CONNECTIONS_5000 = replace(
    BROWSER, name="connections-5000", title="hello, 5,000 connections", connections=5000, seconds=2
)
TWO_WORKERS = replace(
    BROWSER, name="two-workers", title="hello, two workers on one core", workers=2
)
EIGHT_THREADS = replace(BROWSER, name="eight-threads", title="hello, eight threads", threads=8)
ASGI = replace(
    BROWSER,
    name="asgi-hello",
    title="hello over ASGI, a browser's head",
    application="benchmarks.asgi_application:application",
    is_side_by_side=True,
)
