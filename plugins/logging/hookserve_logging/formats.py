"""The access log's format language, which is gunicorn's.

Data from clients is escaped wherever it lands: a log line is always one line, and a quoted field
ends where it seems to.  The user, whom no client proves to be, stands without quotes in the usual
format and is one word.
"""

from __future__ import annotations

import re
from typing import Any

from hookserve import AccessRecord, ConfigError
from hookserve_logging.clock import Clock, process_text, time_text
from hookserve_logging.escaping import quotable, single_word
from hookserve_logging.line import Field, Functions, Log, Part, Write, compile_line

_ATOM = re.compile(
    r"%\((?:\{(?P<name>[^}]+)\}(?P<kind>[ioeIOE])|(?P<atom>[A-Za-z]))\)s|(?P<percent>%%)"
)


def compile_format(text: str, clock: Clock, write: Write) -> Log:
    """A function that makes one line, without its end, of a record, and has it written.

    Raises ConfigError naming what is wrong with the format.
    """
    return compile_line(parse_format(text), FUNCTIONS, clock, write)


def parse_format(text: str) -> list[Part]:
    """The parts of a line in that format; raises ConfigError."""
    parts: list[Part] = []
    position = 0
    for match in _ATOM.finditer(text):
        parts.append(_literal(text[position : match.start()]))
        parts.append(
            "%" if match["percent"] else _part(match["atom"], match["name"], match["kind"])
        )
        position = match.end()
    parts.append(_literal(text[position:]))
    return parts


def _literal(text: str) -> str:
    if "%" in text:
        raise ConfigError(
            f"access_log_format: {text[text.index('%') :][:12]!r} is not a field"
            " (%(h)s, %({name}i)s; %% for a percent sign)"
        )
    return text


def _part(atom: str | None, name: str | None, kind: str | None) -> Part:
    if name is not None and kind is not None:
        return _named(name, kind.lower())
    found = ATOMS.get(atom or "")
    if found is None:
        known = ", ".join(sorted(ATOMS))
        raise ConfigError(f"access_log_format: %({atom})s is not a field; there are {known}")
    return found


def _named(name: str, kind: str) -> Field:
    if kind == "o":
        return Field(f"header(record, {name.lower()!r})", quotable)
    key = name
    if kind == "i":
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
    missing = "'-'"
    if key != key.upper():  # gunicorn takes any case, and its examples are in lower case
        missing = f"environ.get({key.upper()!r}, '-')"
    return Field(f"str(environ.get({key!r}, {missing}))", quotable)


def _header(record: AccessRecord, lowered: str) -> str:
    found = [value for key, value in record.headers if key.lower() == lowered]
    return ", ".join(found) or "-"


def _user(environ: dict[str, Any]) -> str:  # Any: PEP 3333
    """The user of basic authentication (RFC 7617), unverified."""
    import base64

    scheme, _, credentials = str(environ["HTTP_AUTHORIZATION"]).partition(" ")
    if scheme.lower() != "basic":
        return "-"
    try:
        decoded = base64.b64decode(credentials.strip()).decode("utf-8", "replace")
    except ValueError:
        return "-"
    return single_word(decoded.partition(":")[0]) or "-"


def _escape_or_dash(text: str | None) -> str:
    return quotable(text or "-")


def _number_or_dash(number: int) -> str:
    return str(number or "-")


def _request_line(value: str | tuple[str | None, ...]) -> str:
    """The request line of a refused request is one text, as it came."""
    return quotable(value) if isinstance(value, str) else " ".join(map(_escape_or_dash, value))


FUNCTIONS: Functions = {"user": _user, "header": _header, "quote": quotable}
"""What the fields' expressions call."""


ATOMS: dict[str, Part] = {
    "h": Field("environ['REMOTE_ADDR']", _escape_or_dash),
    "l": "-",
    # Not cached: it is made from a password.
    "u": Field("user(environ) if 'HTTP_AUTHORIZATION' in environ else '-'"),
    "t": time_text("[%d/%b/%Y:%H:%M:%S %z]"),
    "r": Field(
        "record.request_line or (environ['REQUEST_METHOD'], environ['RAW_URI'],"
        " environ['SERVER_PROTOCOL'])",
        _request_line,
    ),
    "s": Field("record.status_code", _number_or_dash),
    "i": Field("quote(record.request_id or '-')"),  # not cached: each is another
    "m": Field("environ['REQUEST_METHOD']", _escape_or_dash),
    "U": Field("environ['PATH_INFO']", _escape_or_dash),
    "q": Field("environ['QUERY_STRING'] or ''", quotable),
    "H": Field("environ['SERVER_PROTOCOL']", _escape_or_dash),
    # gunicorn's is 0 for a response without a body, where Apache's has a hyphen.
    "b": Field("record.sent"),
    "B": Field("record.sent"),
    "f": Field("environ.get('HTTP_REFERER')", _escape_or_dash),
    "a": Field("environ.get('HTTP_USER_AGENT')", _escape_or_dash),
    "T": Field("int(record.elapsed)"),
    "M": Field("int(record.elapsed * 1000)"),
    "D": Field("int(record.elapsed * 1000000)"),
    "L": Field("record.elapsed", form="f"),
    "p": lambda day: f"<{process_text(day)}>",
}
"""The fields by their letters."""
