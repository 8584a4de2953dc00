"""The access log's formats, compiled once into functions of a record.

Data from clients is escaped wherever it lands: a log line is always one line, and a quoted field
ends where it seems to (JSON: the encoder sees to it).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import time
from collections.abc import Callable

from hookserve import AccessRecord, ConfigError

Extract = Callable[[AccessRecord], str]

_ATOM = re.compile(
    r"%\((?:\{(?P<name>[^}]+)\}(?P<kind>[ioeIOE])|(?P<atom>[A-Za-z]))\)s|(?P<percent>%%)"
)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f"\\]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def compile_format(text: str) -> Extract:
    """A function that makes one line, without its end, of a record.

    Raises ConfigError naming what is wrong with the format.
    """
    parts: list[str] = []
    extracts: list[Extract] = []
    position = 0
    for match in _ATOM.finditer(text):
        parts.append(_literal(text[position : match.start()]))
        position = match.end()
        if match["percent"]:
            parts.append("%%")
        else:
            parts.append("%s")
            extracts.append(_extract(match["atom"], match["name"], match["kind"]))
    parts.append(_literal(text[position:]))
    template = "".join(parts)
    chosen = tuple(extracts)

    def line(record: AccessRecord) -> str:
        return template % tuple([extract(record) for extract in chosen])

    return line


def _literal(text: str) -> str:
    if "%" in text:
        raise ConfigError(
            f"access_log_format: {text[text.index('%') :][:12]!r} is no field"
            " (%(h)s, %({name}i)s; %% for a percent sign)"
        )
    return text


def escape(text: str) -> str:
    """Client data for a line of text: control characters, quotes and backslashes made visible."""
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(lambda match: _ESCAPES.get(match[0]) or f"\\x{ord(match[0]):02x}", text)


def _extract(atom: str | None, name: str | None, kind: str | None) -> Extract:
    if name is not None and kind is not None:
        return _named(name, kind.lower())
    found = _STATEFUL[atom]() if atom in _STATEFUL else ATOMS.get(atom or "")
    if found is None:
        known = ", ".join(sorted([*ATOMS, "p", "t"]))
        raise ConfigError(f"access_log_format: %({atom})s is no field; there are {known}")
    return found


def _named(name: str, kind: str) -> Extract:
    if kind == "o":
        lowered = name.lower()
        return lambda record: escape(
            ", ".join(value for key, value in record.response_headers if key.lower() == lowered)
            or "-"
        )
    key = name
    if kind == "i":
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
    return lambda record: escape(str(record.environ.get(key, "-")))


def request_line(record: AccessRecord) -> str:
    """The request line, as it came where it was refused."""
    if record.request_line:
        return record.request_line
    environ = record.environ
    return f"{environ['REQUEST_METHOD']} {environ['RAW_URI']} {environ['SERVER_PROTOCOL']}"


def _user(record: AccessRecord) -> str:
    """The user of basic authentication (RFC 7617), unverified."""
    scheme, _, credentials = str(record.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if scheme.lower() != "basic":
        return "-"
    try:
        decoded = base64.b64decode(credentials.strip()).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return "-"
    return escape(decoded.partition(":")[0]) or "-"


def _time() -> Extract:
    """The time of logging, made anew each second."""
    cached = (-1, "")

    def extract(record: AccessRecord) -> str:
        nonlocal cached
        second = int(time.time())
        if cached[0] != second:
            cached = (second, time.strftime("[%d/%b/%Y:%H:%M:%S %z]", time.localtime(second)))
        return cached[1]

    return extract


def _pid() -> Extract:
    """The process that logs: this is asked after the fork."""
    cached = ""

    def extract(record: AccessRecord) -> str:
        nonlocal cached
        cached = cached or f"<{os.getpid()}>"
        return cached

    return extract


def _text(key: str) -> Extract:
    return lambda record: escape(str(record.environ.get(key) or "-"))


ATOMS: dict[str, Extract] = {
    "h": _text("REMOTE_ADDR"),
    "l": lambda record: "-",
    "u": _user,
    "r": lambda record: escape(request_line(record)),
    "s": lambda record: str(record.status or "-"),
    "m": _text("REQUEST_METHOD"),
    "U": _text("PATH_INFO"),
    "q": lambda record: escape(str(record.environ.get("QUERY_STRING", ""))),
    "H": _text("SERVER_PROTOCOL"),
    "b": lambda record: str(record.sent or "-"),
    "B": lambda record: str(record.sent),
    "f": _text("HTTP_REFERER"),
    "a": _text("HTTP_USER_AGENT"),
    "T": lambda record: str(int(record.elapsed)),
    "M": lambda record: str(int(record.elapsed * 1000)),
    "D": lambda record: str(int(record.elapsed * 1000000)),
    "L": lambda record: f"{record.elapsed:.6f}",
}

_STATEFUL: dict[str | None, Callable[[], Extract]] = {"t": _time, "p": _pid}


def compile_json() -> Extract:
    """A function that makes one JSON object of a record."""
    encode = json.encoder.encode_basestring_ascii
    moment, pid = _iso_time(), _pid()

    def line(record: AccessRecord) -> str:
        environ = record.environ
        get = environ.get
        return (
            f'{{"time":"{moment(record)}","pid":{pid(record)[1:-1]},'
            f'"remote_addr":{encode(get("REMOTE_ADDR", ""))},'
            f'"method":{encode(get("REQUEST_METHOD", ""))},'
            f'"path":{encode(get("PATH_INFO", ""))},"query":{encode(get("QUERY_STRING", ""))},'
            f'"protocol":{encode(get("SERVER_PROTOCOL", ""))},"status":{record.status},'
            f'"bytes":{record.sent},"duration":{record.elapsed:.6f},'
            f'"referer":{encode(get("HTTP_REFERER", ""))},'
            f'"user_agent":{encode(get("HTTP_USER_AGENT", ""))},'
            f'"request_line":{encode(record.request_line)},"reason":{encode(record.reason)}}}'
        )

    return line


def _iso_time() -> Extract:
    cached = (-1, "")

    def extract(record: AccessRecord) -> str:
        nonlocal cached
        second = int(time.time())
        if cached[0] != second:
            cached = (second, time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(second)))
        return cached[1]

    return extract
