"""``req`` and ``resp`` as gunicorn's hooks know them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from hookserve_gunicorn.objects.view import View

if TYPE_CHECKING:
    from hookserve.types import Request as NativeRequest
    from hookserve.types import Response as NativeResponse
    from hookserve_gunicorn.objects.configuration import Config

    Environ = dict[str, Any]  # Any: PEP 3333
    Headers = list[tuple[str, str]]

_PLAIN = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}


class Request(View):
    """gunicorn's ``Request``: one object from `pre_request` to `post_request`.

    What `pre_request` changes in it is in the environ afterwards.
    """

    _native: NativeRequest
    _environ: Environ

    def __init__(self, native: NativeRequest, environ: Environ) -> None:
        self._native = native
        self._environ = environ
        self._headers: Headers | None = None
        """What hooks were given, to be changed by them; `None` as long as none has asked."""
        self._before: Headers = []
        self._path: str | None = None

    @property
    def method(self) -> str:
        """The method."""
        return self._native.method

    @method.setter
    def method(self, value: str) -> None:
        self._environ["REQUEST_METHOD"] = value

    @property
    def uri(self) -> str:
        """The target as it was sent."""
        return self._native.uri

    @uri.setter
    def uri(self, value: str) -> None:
        self._path = self.path  # as in gunicorn, each is by itself
        self._environ["RAW_URI"] = value

    @property
    def path(self) -> str:
        """The target's path as it was sent, with ``SCRIPT_NAME``."""
        if self._path is None:
            self._path = path_of(self._native.uri)
        return self._path

    @path.setter
    def path(self, value: str) -> None:
        self._path = value
        below = value.removeprefix(self._environ.get("SCRIPT_NAME", ""))
        self._environ["PATH_INFO"] = unquote_to_bytes(below).decode("latin-1")

    @property
    def query(self) -> str:
        """The target's query as it was sent."""
        return self._native.query

    @query.setter
    def query(self, value: str) -> None:
        self._environ["QUERY_STRING"] = value

    @property
    def headers(self) -> Headers:
        """Names in upper case with hyphens."""
        if self._headers is None:
            self._headers = self._native.headers
            self._before = list(self._headers)
        return self._headers

    @headers.setter
    def headers(self, value: Headers) -> None:
        if self._headers is None:
            self._before = self._native.headers
        self._headers = value

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return str(self._environ["wsgi.url_scheme"])

    @scheme.setter
    def scheme(self, value: str) -> None:
        self._environ["wsgi.url_scheme"] = value

    @property
    def body(self) -> Any:  # Any: as PEP 3333
        """The request body, a file to read from."""
        return self._environ["wsgi.input"]

    @property
    def remote_addr(self) -> tuple[str, int]:
        """The client's address and port."""
        environ = self._environ
        return environ.get("REMOTE_ADDR", ""), int(environ.get("REMOTE_PORT") or 0)

    @property
    def peer_addr(self) -> tuple[str, int]:
        """As `remote_addr`."""
        return self.remote_addr

    @property
    def fragment(self) -> str:
        """What follows ``#`` in the target."""
        return self._native.uri.partition("#")[2]

    @property
    def trailers(self) -> list[tuple[str, str]]:
        """Empty: trailers are not kept."""
        return []

    @property
    def cfg(self) -> Config:
        """The configuration of the worker."""
        from hookserve_gunicorn.objects.hooks import OBJECTS

        return OBJECTS.worker_config()

    @property
    def limit_request_line(self) -> int:
        """The setting."""
        return int(self.cfg.limit_request_line)

    @property
    def limit_request_fields(self) -> int:
        """The setting."""
        return int(self.cfg.limit_request_fields)

    @property
    def limit_request_field_size(self) -> int:
        """The setting."""
        return int(self.cfg.limit_request_field_size)

    def should_close(self) -> bool:
        """Whether the client wants the connection closed."""
        option = self._environ.get("HTTP_CONNECTION", "").lower()
        return option == "close" or (self._native.version == (1, 0) and option != "keep-alive")

    def apply_headers(self) -> None:
        """Bring the environ to what the headers have become."""
        headers = self._headers
        if headers is None or headers == self._before:
            return
        for name, _ in self._before:
            self._environ.pop(_key(name), None)
        joined: dict[str, str] = {}
        for name, value in headers:
            key = _key(name)
            joined[key] = f"{joined[key]},{value}" if key in joined else value
        self._environ.update(joined)
        self._before = list(headers)


def path_of(target: str) -> str:
    """The path of a request target, as it was sent."""
    if "://" in target and target[0] != "/":
        return urlsplit(target).path
    return re.split("[?#]", target, maxsplit=1)[0]


def _key(name: str) -> str:
    upper = name.upper()
    return _PLAIN.get(upper) or "HTTP_" + upper.replace("-", "_")


_KEPT = "_gunicorn"


def keep(request: Request, native: NativeRequest) -> None:
    """Have `take` find it.  The two refer to each other until then: a cycle for the collector."""
    vars(native)[_KEPT] = request


def take(native: NativeRequest, environ: Environ) -> Request:
    """The object that `pre_request` has had, which is not kept any longer, or a new one."""
    found: Request | None = vars(native).pop(_KEPT, None)
    return found or Request(native, environ)


class Response(View):
    """gunicorn's ``Response``, at its end."""

    _native: NativeResponse

    def __init__(self, native: NativeResponse, request: Request) -> None:
        self._native = native
        self.req = request

    @property
    def version(self) -> str:
        """What the field Server says."""
        return "hookserve"

    @property
    def response_length(self) -> int | None:
        """The Content-Length of the response in bytes; `None` when it has none."""
        for name, value in self._native.headers:
            if name.lower() == "content-length" and value.isdecimal():
                return int(value)
        return None

    @property
    def headers_sent(self) -> bool:
        """Whether the head was sent."""
        return bool(self._native.status)

    @property
    def chunked(self) -> bool:
        """Whether the body was sent in chunks."""
        return bool(getattr(self._native, "is_chunked", False))

    def is_chunked(self) -> bool:
        """Whether the body was sent in chunks."""
        return self.chunked

    def should_close(self) -> bool:
        """Whether the connection closes after the response."""
        return not getattr(self._native, "persists", False)
