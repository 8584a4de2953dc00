"""From the bytes of a request head to the entries of a WSGI environ.

There is one parser for each worker, listener and degree of trust.  Its entry point is `parse`:
bytes in, the environ and the number of bytes used out.

Repeated input is not parsed again.  Four caches are bounded in entries and in the size of an entry:

* header line to environ entry: a browser's eleven headers cost eleven dict look-ups;
* header name to environ key, for lines that are not cached;
* block of header lines to environ, for keep-alive clients that repeat themselves: one look-up.
  A block is cached once each of its lines was, and if each line is an entry of its own, Host
  included.  Such a block has the same meaning after any request line.  Its first empty line is its
  end, so neither a body nor another request can be part of it;
* request line to environ entries, for clients whose block is cached.

Input that ends with an empty line, as nearly all does, is taken for one whole head.  That is true
if each of its lines became an entry of its own; otherwise `parse` searches for the head's end.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from hookserve_http import grammar
from hookserve_http.errors import BadRequest, HeadTooLarge, TargetTooLong, UnknownVersion
from hookserve_http.fields import END, FIELDS, FieldLists
from hookserve_http.lines import has_bare_end, unfold, validate
from hookserve_http.rules import HeadRules
from hookserve_http.target import split_target, unquote

if TYPE_CHECKING:
    from hookserve_http.incomplete import IncompleteHead
    from hookserve_http.repeated import RepeatedHeads

Environ = dict[str, Any]  # Any: PEP 3333 says so
"""What a request is to a WSGI application (PEP 3333): the head, as `HeadParser` makes it."""

_REQUEST_LINE_CACHE_SIZE = 256
_CACHED_REQUEST_LINE_LIMIT = 256
_NAME_CACHE_SIZE = 256
_CACHED_NAME_LIMIT = 64
_LINE_CACHE_SIZE = 1024
_CACHED_LINE_LIMIT = 512
_BLOCK_CACHE_SIZE = 64
_CACHED_BLOCK_LIMIT = 1024
_BLOCK_CACHE_MISSES = 4096
"""Misses of a full block cache after which it is cleared."""
_LINE_LIMIT = 65536
_FIELDS_LIMIT = 32768

_REQUEST_LINE_KEYS = ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL", "PATH_INFO", "QUERY_STRING")

_FRAMING_KEYS = frozenset({"TRANSFER_ENCODING", "CONTENT_LENGTH"})
_METHODS = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT")
}


class HeadParser:
    """Parses heads by one set of rules.

    `template` has what is the same in each environ of the listener, and each key of a request line.

    Threads share a parser without a lock: each cache is read by one look-up and never by a test
    and a look-up, because another thread may clear it in between.
    """

    field_lists_type: type[FieldLists] = FieldLists
    """What makes the lists of pairs of its heads."""
    size_limit: int
    """Bytes that a head may have; a longer one is refused before it is complete."""
    field_lists: FieldLists
    """The fields of heads, for interfaces that want pairs of bytes."""
    repeated: RepeatedHeads | None
    """Of such interfaces: the environ of a cached block has the fields too, as `FIELDS`."""

    def __init__(self, rules: HeadRules, template: Environ) -> None:
        self._template = template
        self._line_limit = rules.limit_request_line or _LINE_LIMIT
        fields_limit = rules.limit_request_fields
        self._fields_limit = fields_limit if 0 < fields_limit <= _FIELDS_LIMIT else _FIELDS_LIMIT
        self._lines_limit = self._fields_limit + 2
        self._field_size = rules.limit_request_field_size or 8190
        self.size_limit = self._line_limit + _LINE_LIMIT + self._field_size
        self._rules = rules
        self._request_line_cache: dict[bytes, dict[str, str]] = {}
        self._name_cache: dict[bytes, str] = {}
        self._line_cache: dict[bytes, tuple[str, str]] = {}
        self._block_cache: dict[bytes, dict[str, str]] = {}
        self._block_cache_misses = 0
        self._scheme = rules.secure_scheme_headers
        self.field_lists = self.field_lists_type(self._parse_line, rules.permit_obsolete_folding)
        self.repeated = None
        self._unfolds = rules.permit_obsolete_folding

    def parse(
        self,
        data: bytes,
        address: str = "",
        port: str = "",
        info: Environ | None = None,
    ) -> tuple[Environ, int]:
        """The environ of the head that `data` begins with, and the head's size.

        `data` ends with an empty line, as a rule the one that ends the head.  The environ has the
        client's address and port and the entries of `info`, which is what connection wrappers set;
        a trusted proxy's head may replace them.  Raises BadRequest.
        """
        line, _, block = data.partition(b"\r\n")
        cached = self._block_cache.get(block) if len(block) <= _CACHED_BLOCK_LIMIT else None
        environ = self._template.copy() if cached is None else cached.copy()
        environ["REMOTE_ADDR"] = address
        environ["REMOTE_PORT"] = port
        if info is not None:
            environ.update(info)
        entries = self._request_line_cache.get(line)
        if entries is not None:
            environ |= entries
            if cached is not None and info is None:
                return environ, len(data)
        new_line = line if entries is None else None
        new_block = block if cached is None else None
        try:
            return environ, self._fill_in(environ, data, new_line, new_block)
        except BadRequest as error:
            error.environ = environ
            raise

    def _fill_in(
        self, environ: Environ, data: bytes, line: bytes | None, block: bytes | None
    ) -> int:
        """Enter the request line and the block, `None` if it came from a cache; returns the
        head's size."""
        authority = ""
        size = len(data)
        if line is not None:
            authority = self._parse_request_line(line, environ)
        if block is None:
            self._apply_scheme(environ)  # `info` may have replaced it
            if line is not None and not authority:
                self._cache_request_line(line, environ)
        elif not self._parse_fields(block, environ):
            size = data.index(END) + len(END)
        if authority:
            # RFC 9112, 3.2.2: the authority of an absolute target replaces the Host.
            environ["HTTP_HOST"] = authority
        return size

    def check_incomplete(self, head: IncompleteHead) -> BadRequest | None:
        """The error in a head that is not complete, if there is one already.

        The bytes before `head.start` were checked before.  A client that speaks TLS, HTTP/0.9 or
        another protocol may have sent all that it will send: without this check it would wait
        for the response until `header_timeout`.
        """
        data = head.data
        if not head.has_request_line:
            end = data.find(b"\r\n", head.start, self._line_limit + 2)
            if end < 0 and len(data) > self._line_limit + 2:
                return self._too_long_line(data)
            head.has_request_line = end >= 0
            is_token = grammar.TOKEN.match(data, 0, 1)
            if not is_token or (end >= 0 and data.count(b" ", 0, end) != 2):
                return self._first_fault(data, "malformed request line")
        is_too_large = len(data) > self.size_limit
        if is_too_large:
            data = data[: self.size_limit]
        if has_bare_end(data, min(head.start, self.size_limit - 1)):
            return self._first_fault(data, "bare CR or LF in the head")
        return self._too_large_head() if is_too_large else None

    def _parse_request_line(self, line: bytes, environ: Environ) -> str:
        """Enter the request line; returns the target's authority, empty when it has none."""
        if len(line) > self._line_limit:
            raise self._too_long_line(line)
        try:
            method, target, version = line.split(b" ")
        except ValueError:
            raise BadRequest("malformed request line") from None
        environ["REQUEST_METHOD"] = name = _METHODS.get(method) or self._unusual_method(method)
        environ["RAW_URI"] = text = target.decode("latin-1")
        if not (text.isascii() and text.isprintable()) or "#" in text:
            raise BadRequest("invalid character in the request target")
        if version != b"HTTP/1.1":
            environ["SERVER_PROTOCOL"] = self._other_version(version)
        authority = ""
        if text[:1] != "/" or name == "CONNECT":
            text, authority = split_target(name, text)
        path, _, environ["QUERY_STRING"] = text.partition("?")
        environ["PATH_INFO"] = unquote(path) if "%" in path else path
        return authority

    def _cache_request_line(self, line: bytes, environ: Environ) -> None:
        if len(line) <= _CACHED_REQUEST_LINE_LIMIT:
            if len(self._request_line_cache) >= _REQUEST_LINE_CACHE_SIZE:
                self._request_line_cache.clear()
            self._request_line_cache[line] = {key: environ[key] for key in _REQUEST_LINE_KEYS}

    def _too_long_line(self, line: bytes | bytearray) -> BadRequest:
        """The error for a request line beyond the limit, or for a fault within the limit."""
        start = line[: self._line_limit]
        if not grammar.TOKEN.match(start) or has_bare_end(start, 0):
            return BadRequest("malformed request line")
        return TargetTooLong(f"request line longer than {self._line_limit} bytes")

    def _too_long_field(self, line: bytes) -> BadRequest:
        """The error for a header line beyond the limit, or for a bare CR or LF within the limit."""
        start = line[: self._field_size]
        if b"\n" in start or b"\r" in start[:-1]:
            return BadRequest("bare CR or LF in the head")
        return HeadTooLarge(f"header line longer than {self._field_size} bytes")

    def _too_large_head(self) -> BadRequest:
        return HeadTooLarge(f"request head larger than {self.size_limit} bytes")

    def _first_fault(self, data: bytearray, reason: str) -> BadRequest:
        """The error that the same bytes cause when they arrive as one complete head."""
        try:
            self.parse(bytes(data) + END)
        except BadRequest as error:
            return error
        return BadRequest(reason)

    def _unusual_method(self, method: bytes) -> str:
        rules = self._rules
        if rules.casefold_http_method:
            method = method.upper()
        grammar_rule = grammar.CONVENTIONAL_METHOD
        if rules.permit_unconventional_http_method:
            grammar_rule = grammar.TOKEN
        if not grammar_rule.fullmatch(method):
            raise BadRequest("invalid method")
        return method.decode("ascii")

    def _other_version(self, version: bytes) -> str:
        if version == b"HTTP/1.0":
            return "HTTP/1.0"
        if not grammar.VERSION.fullmatch(version):
            raise BadRequest("invalid HTTP version")
        if self._rules.permit_unconventional_http_version and version[5:6] == b"1":
            return version.decode("ascii")
        raise UnknownVersion(f"unsupported version {version.decode('ascii')}")

    def _parse_line(self, line: bytes) -> tuple[str, str] | None:
        """The environ entry of a header line, which is cached; `None` when it is dropped."""
        if len(line) > self._field_size:
            raise self._too_long_field(line)
        name, colon, value = line.partition(b":")
        if not colon:
            raise BadRequest("header line without a colon")
        key = self._name_cache.get(name) or self._parse_name(name)
        text = value.strip(b" \t").decode("latin-1")
        # Printable text has no control character; this test takes half the expression's time.
        if not text.isprintable() and grammar.FORBIDDEN_IN_VALUE_TEXT.search(text):
            raise BadRequest("control character in a header value")
        if key is None:
            return None
        validate(key, text)
        pair = key, text
        if len(line) <= _CACHED_LINE_LIMIT:
            if len(self._line_cache) >= _LINE_CACHE_SIZE:
                self._line_cache.clear()
            self._line_cache[line] = pair
        return pair

    def _parse_name(self, name: bytes) -> str | None:
        """The environ key of a header name, which is cached; `None` when the field is dropped."""
        stripped = name.rstrip(b" \t") if self._rules.strip_header_spaces else name
        if not grammar.TOKEN.fullmatch(stripped):
            raise BadRequest("invalid header name")
        key = self._key_for(stripped.decode("ascii").upper())
        if key is not None and len(name) <= _CACHED_NAME_LIMIT:
            if len(self._name_cache) >= _NAME_CACHE_SIZE:
                self._name_cache.clear()
            self._name_cache[name] = key
        return key

    def _key_for(self, name: str) -> str | None:
        """The environ key of a header; `None` when the header is dropped.

        A name with an underscore never stands for a field that frames a body: a proxy sees another
        field there (CWE-444).
        """
        if "_" in name:
            if name in _FRAMING_KEYS and self._rules.header_map != "refuse":
                return None
            kept = self._rules.forwarder_headers
            if "*" in kept or name in kept:
                return name if name == "SCRIPT_NAME" else f"HTTP_{name}"
            if self._rules.header_map == "refuse":
                raise BadRequest("underscore in a header name")
            return f"HTTP_{name}" if self._rules.header_map == "dangerous" else None
        if name in ("CONTENT-TYPE", "CONTENT-LENGTH"):
            return name.replace("-", "_")
        return "HTTP_" + name.replace("-", "_")

    def _parse_fields(self, block: bytes, environ: Environ) -> bool:
        """Enter the fields at the start of `block`; whether nothing follows them."""
        lines = block.split(b"\r\n")
        if self._unfolds:
            lines = unfold(lines)
        if len(lines) > self._lines_limit:
            self._refuse_too_many(lines)
        before = len(environ)
        cache = self._line_cache
        is_new = False
        # The last two lines are empty: they follow the last two CRLFs.
        for line in lines[:-2]:
            try:
                key, environ[key] = cache[line]
            except KeyError:
                if not line:
                    break
                is_new = True
                pair = self._parse_line(line)
                if pair is not None:
                    key, environ[key] = pair
        # Only distinct fields up to the end of `block` make one entry each.
        is_plain = len(environ) - before == len(lines) - 2
        if not is_plain:
            self._parse_irregular(lines, environ)
        if "HTTP_HOST" not in environ:
            self._check_missing_host(environ)
        self._apply_scheme(environ)
        if is_plain and not is_new:
            self._cache_block(block, before, environ)
        return is_plain

    def _cache_block(self, block: bytes, before: int, environ: Environ) -> None:
        """Cache a block whose lines are the entries after the first `before`."""
        if len(block) > _CACHED_BLOCK_LIMIT or "HTTP_HOST" not in environ:
            return
        if len(self._block_cache) >= _BLOCK_CACHE_SIZE:
            # When more clients alternate than the cache holds, they must not clear it each time.
            self._block_cache_misses += 1
            if self._block_cache_misses < _BLOCK_CACHE_MISSES:
                return
            self._block_cache_misses = 0
            self._block_cache.clear()
        cached = self._template.copy()
        cached.update(islice(environ.items(), before, None))
        self._apply_scheme(cached)
        if self.repeated is not None:
            cached[FIELDS] = self.field_lists.split(block)
        self._block_cache[block] = cached

    def _refuse_too_many(self, lines: list[bytes]) -> None:
        if lines.index(b"") > self._fields_limit:
            # A fault before the limit is reported first, as it is when lines arrive one by one.
            for line in lines[: self._fields_limit]:
                self._parse_line(line)
            raise HeadTooLarge(f"more than {self._fields_limit} header fields")

    def _parse_irregular(self, lines: list[bytes], environ: Environ) -> None:
        """Handle fields that did not make one entry each, or a SCRIPT_NAME."""
        self._join_repeated(lines[: lines.index(b"")], environ)
        if environ["SCRIPT_NAME"]:
            self._strip_script_name(environ)

    def _join_repeated(self, lines: list[bytes], environ: Environ) -> None:
        """Join the values of fields that were sent more than once (RFC 9110, 5.3)."""
        values: dict[str, list[str]] = {}
        for line in lines:
            pair = self._line_cache.get(line) or self._parse_line(line)
            if pair is not None:
                values.setdefault(pair[0], []).append(pair[1])
        for key, found in values.items():
            if len(found) > 1:
                if key in grammar.SINGLETONS:
                    raise BadRequest(f"repeated header field {key}")
                # RFC 6265, 5.4 allows one Cookie field, HTTP/2 splits it: "; " is its separator.
                environ[key] = ("; " if key == "HTTP_COOKIE" else ",").join(found)

    def _check_missing_host(self, environ: Environ) -> None:
        # RFC 9112, 3.2: an HTTP/1.1 request without Host is refused.
        if environ["SERVER_PROTOCOL"] != "HTTP/1.0":
            raise BadRequest("missing Host")

    def _apply_scheme(self, environ: Environ) -> None:
        """Enter the scheme that a trusted proxy's headers name, if one does."""
        if environ.keys().isdisjoint(self._scheme):
            return
        schemes = {
            "https" if environ[key] == value else "http"
            for key, value in self._scheme.items()
            if key in environ
        }
        if len(schemes) > 1:
            raise BadRequest("conflicting scheme headers")
        environ["wsgi.url_scheme"] = schemes.pop()

    def _strip_script_name(self, environ: Environ) -> None:
        """Remove a trusted proxy's prefix from the path, by whole segments."""
        prefix = environ["SCRIPT_NAME"].rstrip("/")
        path = environ["PATH_INFO"]
        if path != prefix and not path.startswith(f"{prefix}/"):
            raise BadRequest("the path does not begin with SCRIPT_NAME")
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, path[len(prefix) :]
