"""From the bytes of a request head to the entries of a WSGI environ.

The parser is one object a worker and a degree of trust, and its narrow entrance is `parse`: bytes
in, the environ and the number of bytes used out.  What a client repeats is not parsed again: each
validated header line is remembered with what it means, so that a browser's eleven headers cost
eleven dict look-ups; of the names of lines that are new the keys are remembered.  The memory is
bounded in entries and in the length of each.

A block of fields whose lines were all remembered is remembered as a whole, with an environ to copy:
what a keep-alive client says again costs one look-up.  Only blocks of which each line is an
entry of its own, the Host among them, are; what such a block means does not depend on the request
line before it, and its first empty line is its end, so that neither a body nor another request can
be part of it.  Request lines are remembered only of clients whose block is: those who repeat
themselves, and not those who ask for something new each time.

Where a head ends is not searched for when the bytes end like a head, as they nearly always do:
the head is the whole of them if each of their lines has become an entry of its own, and only
otherwise its end is looked for.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from hookserve_http import grammar
from hookserve_http.errors import (
    BadRequest,
    HeadTooLarge,
    TargetTooLong,
    UnknownVersion,
)
from hookserve_http.lines import has_bare_end, unfold, validate
from hookserve_http.rules import HeadRules
from hookserve_http.target import split_target, unquote

END = b"\r\n\r\n"
"""The end of a head (RFC 9112, 2.1): the end of its last line, and an empty line."""

Environ = dict[str, Any]  # Any: PEP 3333 says so

_REMEMBERED_REQUEST_LINES = 256
_REMEMBERED_REQUEST_LINE = 256
_REMEMBERED_NAMES = 256
_REMEMBERED_NAME = 64
_REMEMBERED_LINES = 1024
_REMEMBERED_SIZE = 512
_REMEMBERED_BLOCKS = 64
_REMEMBERED_BLOCK = 1024
_MOST_PASSED_OVER = 4096
_LONGEST_LINE = 65536
_MOST_FIELDS = 32768

_OF_REQUEST_LINE = ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL", "PATH_INFO", "QUERY_STRING")

_METHODS = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT")
}


class HeadParser:
    """Parses heads by one set of rules; one a listener, worker and degree of trust.

    `template` has what is the same in every environ of the listener, every key of a request line
    among it.

    Threads share it without a lock: what is remembered is asked once and the answer used, never
    asked whether it is there, for another thread may clear the memory in between.
    """

    def __init__(self, rules: HeadRules, template: Environ) -> None:
        self._template = template
        self._line_limit = rules.limit_request_line or _LONGEST_LINE
        fields_limit = rules.limit_request_fields
        self._fields_limit = fields_limit if 0 < fields_limit <= _MOST_FIELDS else _MOST_FIELDS
        self._lines_limit = self._fields_limit + 2
        self._field_size = rules.limit_request_field_size or 8190
        self.size_limit = self._line_limit + _LONGEST_LINE + self._field_size
        """Bytes that a head may have; more is refused before it is complete."""
        self._rules = rules
        self._request_lines: dict[bytes, dict[str, str]] = {}
        self._keys: dict[bytes, str] = {}
        self._known: dict[bytes, tuple[str, str]] = {}
        self._blocks: dict[bytes, dict[str, str]] = {}
        self._passed_over = 0
        self._scheme = rules.secure_scheme_headers
        self._unfolds = rules.permit_obsolete_folding

    def parse(
        self,
        data: bytes,
        address: str = "",
        port: str = "",
        facts: Environ | None = None,
    ) -> tuple[Environ, int]:
        """The environ of the head that `data` begins with, and the head's size.

        `data` ends with an empty line, as a rule the one that ends the head.  The environ has the
        client's address and port, and what else is known of the connection (`facts`), unless the
        head, from somebody trusted, says otherwise.  Raises BadRequest.
        """
        line, _, block = data.partition(b"\r\n")
        known = self._blocks.get(block) if len(block) <= _REMEMBERED_BLOCK else None
        environ = self._template.copy() if known is None else known.copy()
        environ["REMOTE_ADDR"] = address
        environ["REMOTE_PORT"] = port
        if facts is not None:
            environ.update(facts)
        meant = self._request_lines.get(line)
        if meant is not None:
            environ |= meant
            if known is not None and facts is None:
                return environ, len(data)
        new_line = line if meant is None else None
        new_block = block if known is None else None
        try:
            return environ, self._fill_in(environ, data, new_line, new_block)
        except BadRequest as error:
            error.environ = environ
            raise

    def _fill_in(
        self, environ: Environ, data: bytes, line: bytes | None, block: bytes | None
    ) -> int:
        """Enter what the two say, `None` being what is entered already; answers the head's size."""
        authority = ""
        size = len(data)
        if line is not None:
            authority = self._parse_request_line(line, environ)
        if block is None:
            self._heed_scheme(environ)  # which the connection's facts may have covered
            if line is not None and not authority:
                self._remember_request_line(line, environ)
        elif not self._parse_fields(block, environ):
            size = data.index(END) + len(END)
        if authority:
            # RFC 9112, 3.2.2: the authority of an absolute target replaces the Host.
            environ["HTTP_HOST"] = authority
        return size

    def judge_incomplete(self, data: bytes, start: int) -> BadRequest | None:
        """The refusal that a head has already earned, searched up to `start` before.

        Who speaks TLS, HTTP/0.9 or another protocol may have said all that there is to say, and
        would wait for an answer until the head is overdue.
        """
        end = data.find(b"\r\n", 0, self._line_limit + 2)
        if end < 0 and len(data) > self._line_limit + 2:
            return self._too_long_line(data)
        if not grammar.TOKEN.match(data, 0, 1):
            return self._first_fault(data, "no request begins like this")
        if end >= 0 and data.count(b" ", 0, end) != 2:
            return self._first_fault(data, "the request line has not three parts")
        if has_bare_end(data[: self.size_limit], min(start, self.size_limit - 1)):
            return self._first_fault(data[: self.size_limit], "a bare CR or LF in a head")
        if len(data) > self.size_limit:
            return HeadTooLarge(f"a head of more than {self.size_limit} bytes")
        return None

    def _parse_request_line(self, line: bytes, environ: Environ) -> str:
        """Fill in what the request line says; the target's authority, empty when it has none."""
        if len(line) > self._line_limit:
            raise self._too_long_line(line)
        try:
            method, target, version = line.split(b" ")
        except ValueError:
            raise BadRequest("the request line has not three parts") from None
        environ["REQUEST_METHOD"] = name = _METHODS.get(method) or self._unusual_method(method)
        environ["RAW_URI"] = text = target.decode("latin-1")
        if not (text.isascii() and text.isprintable()) or "#" in text:
            raise BadRequest("the request target has a character that no target may have")
        if version != b"HTTP/1.1":
            environ["SERVER_PROTOCOL"] = self._other_version(version)
        authority = ""
        if text[:1] != "/" or name == "CONNECT":
            text, authority = split_target(name, text)
        path, _, environ["QUERY_STRING"] = text.partition("?")
        environ["PATH_INFO"] = unquote(path) if "%" in path else path
        return authority

    def _remember_request_line(self, line: bytes, environ: Environ) -> None:
        if len(line) <= _REMEMBERED_REQUEST_LINE:
            if len(self._request_lines) >= _REMEMBERED_REQUEST_LINES:
                self._request_lines.clear()
            self._request_lines[line] = {key: environ[key] for key in _OF_REQUEST_LINE}

    def _too_long_line(self, line: bytes) -> BadRequest:
        """The refusal of a request line beyond the limit, or of what is wrong before it."""
        start = line[: self._line_limit]
        if not grammar.TOKEN.match(start) or has_bare_end(start, 0):
            return BadRequest("a bare CR or LF in a head, or no request at all")
        return TargetTooLong(f"a request line of more than {self._line_limit} bytes")

    def _too_long_field(self, line: bytes) -> BadRequest:
        """The refusal of a header line beyond the limit, or of an end within it that is bare."""
        start = line[: self._field_size]
        if b"\n" in start or b"\r" in start[:-1]:
            return BadRequest("a bare CR or LF in a head")
        return HeadTooLarge(f"a header line of {len(line)} bytes")

    def _first_fault(self, data: bytes, reason: str) -> BadRequest:
        """What a head that cannot become a request would be refused for if it came at once."""
        try:
            self.parse(data + END)
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
            raise BadRequest("the method is none")
        return method.decode("ascii")

    def _other_version(self, version: bytes) -> str:
        if version == b"HTTP/1.0":
            return "HTTP/1.0"
        if not grammar.VERSION.fullmatch(version):
            raise BadRequest("the request line names no version")
        if self._rules.permit_unconventional_http_version and version[5:6] == b"1":
            return version.decode("ascii")
        raise UnknownVersion(f"version {version.decode('ascii')}")

    def _learn(self, line: bytes) -> tuple[str, str] | None:
        """The environ entry that a header line means, remembered; `None` when it is dropped."""
        if len(line) > self._field_size:
            raise self._too_long_field(line)
        name, colon, value = line.partition(b":")
        if not colon:
            raise BadRequest("a header line without a colon")
        key = self._keys.get(name) or self._learn_name(name)
        text = value.strip(b" \t").decode("latin-1")
        # What is printable has no control character, and is told in half the expression's time.
        if not text.isprintable() and grammar.FORBIDDEN_IN_VALUE_TEXT.search(text):
            raise BadRequest("a header value with a control character")
        if key is None:
            return None
        validate(key, text)
        pair = key, text
        if len(line) <= _REMEMBERED_SIZE:
            if len(self._known) >= _REMEMBERED_LINES:
                self._known.clear()
            self._known[line] = pair
        return pair

    def _learn_name(self, name: bytes) -> str | None:
        """The environ key of a field of that name, remembered; `None` when it is dropped."""
        stripped = name.rstrip(b" \t") if self._rules.strip_header_spaces else name
        if not grammar.TOKEN.fullmatch(stripped):
            raise BadRequest("a header line with an invalid name")
        key = self._key_for(stripped.decode("ascii").upper())
        if key is not None and len(name) <= _REMEMBERED_NAME:
            if len(self._keys) >= _REMEMBERED_NAMES:
                self._keys.clear()
            self._keys[name] = key
        return key

    def _key_for(self, name: str) -> str | None:
        """The environ key of a header; `None` when the header is dropped."""
        if "_" in name:
            kept = self._rules.forwarder_headers
            if "*" in kept or name in kept:
                return name if name == "SCRIPT_NAME" else f"HTTP_{name}"
            if self._rules.header_map == "refuse":
                raise BadRequest("a header name with an underscore")
            return f"HTTP_{name}" if self._rules.header_map == "dangerous" else None
        if name in ("CONTENT-TYPE", "CONTENT-LENGTH"):
            return name.replace("-", "_")
        return "HTTP_" + name.replace("-", "_")

    def _parse_fields(self, block: bytes, environ: Environ) -> bool:
        """Fill in the fields that `block` begins with; whether nothing follows them."""
        lines = block.split(b"\r\n")
        if self._unfolds:
            lines = unfold(lines)
        if len(lines) > self._lines_limit:
            self._refuse_many(lines)
        before = len(environ)
        known = self._known
        is_new = False
        # Two of the lines are no fields: the empty ones after the last CRLFs.
        for line in lines[:-2]:
            try:
                key, environ[key] = known[line]
            except KeyError:
                if not line:
                    break
                is_new = True
                pair = self._learn(line)
                if pair is not None:
                    key, environ[key] = pair
        # Distinct fields up to the end of `block` make an entry each, nothing else as many.
        is_plain = len(environ) - before == len(lines) - 2
        if not is_plain:
            self._look_again(lines, environ)
        if "HTTP_HOST" not in environ:
            self._miss_host(environ)
        self._heed_scheme(environ)
        if is_plain and not is_new:
            self._remember(block, before, environ)
        return is_plain

    def _remember(self, block: bytes, before: int, environ: Environ) -> None:
        """Remember a block, each of whose lines has made an entry after the first `before`."""
        if len(block) > _REMEMBERED_BLOCK or "HTTP_HOST" not in environ:
            return
        if len(self._blocks) >= _REMEMBERED_BLOCKS:
            # More clients than there is room for must not push each other out at every request.
            self._passed_over += 1
            if self._passed_over < _MOST_PASSED_OVER:
                return
            self._passed_over = 0
            self._blocks.clear()
        known = self._template.copy()
        known.update(islice(environ.items(), before, None))
        self._heed_scheme(known)
        self._blocks[block] = known

    def _refuse_many(self, lines: list[bytes]) -> None:
        if lines.index(b"") > self._fields_limit:
            # A fault before the limit is named first, as it is when the lines come one by one.
            for line in lines[: self._fields_limit]:
                self._learn(line)
            raise HeadTooLarge(f"more than {self._fields_limit} header fields")

    def _look_again(self, lines: list[bytes], environ: Environ) -> None:
        """Treat fields that did not make one entry each."""
        self._join_repeated(lines[: lines.index(b"")], environ)
        if environ["SCRIPT_NAME"]:
            self._strip_script_name(environ)

    def _join_repeated(self, lines: list[bytes], environ: Environ) -> None:
        """Put the values of fields that were sent more than once together (RFC 9110, 5.3)."""
        values: dict[str, list[str]] = {}
        for line in lines:
            pair = self._known.get(line) or self._learn(line)
            if pair is not None:
                values.setdefault(pair[0], []).append(pair[1])
        for key, found in values.items():
            if len(found) > 1:
                if key in grammar.SINGLETONS:
                    raise BadRequest(f"the field {key} is there twice")
                # RFC 6265, 5.4 allows one Cookie field, HTTP/2 splits it: "; " is its separator.
                environ[key] = ("; " if key == "HTTP_COOKIE" else ",").join(found)

    def _miss_host(self, environ: Environ) -> None:
        # RFC 9112, 3.2: a request of HTTP/1.1 without Host is to be refused.
        if environ["SERVER_PROTOCOL"] != "HTTP/1.0":
            raise BadRequest("no Host")

    def _heed_scheme(self, environ: Environ) -> None:
        """Enter the scheme that the headers name, if any does."""
        if environ.keys().isdisjoint(self._scheme):
            return
        schemes = {
            "https" if environ[key] == value else "http"
            for key, value in self._scheme.items()
            if key in environ
        }
        if len(schemes) > 1:
            raise BadRequest("the headers about the scheme disagree")
        environ["wsgi.url_scheme"] = schemes.pop()

    def _strip_script_name(self, environ: Environ) -> None:
        """Take the prefix that a trusted proxy named off the path, by whole segments."""
        prefix = environ["SCRIPT_NAME"].rstrip("/")
        path = environ["PATH_INFO"]
        if path != prefix and not path.startswith(f"{prefix}/"):
            raise BadRequest("the path does not begin with the SCRIPT_NAME")
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, path[len(prefix) :]
