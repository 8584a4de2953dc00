"""The access log's formats, compiled once into functions of a record.

Data from clients is escaped wherever it lands: a log line is always one line, and a quoted field
ends where it seems to (JSON: the encoder sees to it).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, cast

from hookserve import AccessRecord, ConfigError
from hookserve_logging.clock import Clock

Log = Callable[[AccessRecord], None]
Write = Callable[[str], object]

TEXT_TIME = "[%d/%b/%Y:%H:%M:%S %z]"
JSON_TIME = "%Y-%m-%dT%H:%M:%S%z"
_REMEMBERED = 1024
_REMEMBERED_SIZE = 512

_ATOM = re.compile(
    r"%\((?:\{(?P<name>[^}]+)\}(?P<kind>[ioeIOE])|(?P<atom>[A-Za-z]))\)s|(?P<percent>%%)"
)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f"\\]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class _Remembered(dict[Any, str]):  # Any: a text, or several
    """What texts become, within bounds: clients say the same again and again."""

    def __init__(self, convert: Callable[[Any], str]) -> None:
        self._convert = convert

    def __missing__(self, said: Any) -> str:
        found = self._convert(said)
        if len(found) <= _REMEMBERED_SIZE:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[said] = found
        return found


def compile_format(text: str, clock: Clock, write: Write) -> Log:
    """A function that makes one line, without its end, of a record, and has it written.

    Raises ConfigError naming what is wrong with the format.
    """
    fields: list[str] = []
    pieces: list[str] = []
    position = 0
    for match in _ATOM.finditer(text):
        pieces.append(_literal(text[position : match.start()]))
        position = match.end()
        if match["percent"]:
            pieces.append(repr("%"))
        else:
            pieces.append(f"f'{{field{len(fields)}}}'")
            fields.append(_expression(match["atom"], match["name"], match["kind"]))
    pieces.append(_literal(text[position:]))
    # Compiled as one function: a call for each field would cost more than all the rest.
    lines = [f"    field{number} = {each}" for number, each in enumerate(fields)]
    source = _SOURCE.format("\n".join(lines), " ".join(pieces))
    names = {
        "escaped": _Remembered(escape),
        "asked": _Remembered(lambda words: " ".join(map(escape, words))),
        "user": _user,
        "header": _header,
        "clock": clock,
        "time": time.time,
        "write": write,
    }
    exec(source, names)
    return cast("Log", names["log"])


_SOURCE = """
def log(record):
    environ, status, _, sent, elapsed, _, request_line = record
    get = environ.get
    now = time()
    if not clock.began <= now < clock.ends:
        clock.set(now)
{}
    write({})
"""


def _literal(text: str) -> str:
    """What stands for text in the source."""
    if "%" in text:
        raise ConfigError(
            f"access_log_format: {text[text.index('%') :][:12]!r} is no field"
            " (%(h)s, %({name}i)s; %% for a percent sign)"
        )
    return repr(text)


def escape(text: str) -> str:
    """Client data for a line of text: control characters, quotes and backslashes made visible."""
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(lambda match: _ESCAPES.get(match[0]) or f"\\x{ord(match[0]):02x}", text)


def _expression(atom: str | None, name: str | None, kind: str | None) -> str:
    """What stands for a field in the source."""
    if name is not None and kind is not None:
        return _named(name, kind.lower())
    found = ATOMS.get(atom or "")
    if found is None:
        known = ", ".join(sorted(ATOMS))
        raise ConfigError(f"access_log_format: %({atom})s is no field; there are {known}")
    return found


def _named(name: str, kind: str) -> str:
    if kind == "o":
        return f"escaped[header(record, {name.lower()!r})]"
    key = name
    if kind == "i":
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
    return f"escaped[str(get({key!r}, '-'))]"


def _text(key: str) -> str:
    return f"escaped[get({key!r}) or '-']"


def _header(record: AccessRecord, lowered: str) -> str:
    found = [value for key, value in record.response_headers if key.lower() == lowered]
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
    return escape(decoded.partition(":")[0]) or "-"


ATOMS: dict[str, str] = {
    "h": _text("REMOTE_ADDR"),
    "l": "'-'",
    "u": "user(environ) if 'HTTP_AUTHORIZATION' in environ else '-'",
    "t": "clock.text",
    # The request line, as it came where it was refused.
    "r": "escaped[request_line] if request_line else asked[environ['REQUEST_METHOD'],"
    " environ['RAW_URI'], environ['SERVER_PROTOCOL']]",
    "s": "status or '-'",
    "m": _text("REQUEST_METHOD"),
    "U": _text("PATH_INFO"),
    "q": "escaped[get('QUERY_STRING', '')]",
    "H": _text("SERVER_PROTOCOL"),
    "b": "sent or '-'",
    "B": "sent",
    "f": _text("HTTP_REFERER"),
    "a": _text("HTTP_USER_AGENT"),
    "T": "int(elapsed)",
    "M": "int(elapsed * 1000)",
    "D": "int(elapsed * 1000000)",
    "L": "format(elapsed, '.6f')",
    "p": "f'<{clock.pid}>'",
}
"""The fields, each as an expression of Python."""


def compile_json(clock: Clock, write: Write) -> Log:
    """As `compile_format`, a function that makes one JSON object of a record."""
    from json.encoder import encode_basestring_ascii

    def quote_request(words: tuple[str, ...]) -> str:
        method, path, query, protocol = map(encode_basestring_ascii, words)
        return f'"method":{method},"path":{path},"query":{query},"protocol":{protocol}'

    quoted, asked = _Remembered(encode_basestring_ascii), _Remembered(quote_request)
    now_of_day = time.time

    def log(record: AccessRecord) -> None:
        environ, status, _, sent, elapsed, reason, request_line = record
        get = environ.get
        now = now_of_day()
        if not clock.began <= now < clock.ends:
            clock.set(now)
        words = (get("REQUEST_METHOD", ""), get("PATH_INFO", ""), get("QUERY_STRING", ""),
                 get("SERVER_PROTOCOL", ""))  # fmt: skip
        end = '"request_line":"","reason":""}'
        if reason or request_line:
            end = f'"request_line":{quoted[request_line]},"reason":{quoted[reason]}}}'
        write(
            f'{{"time":"{clock.text}","pid":{clock.pid},"remote_addr":'
            f'{quoted[get("REMOTE_ADDR", "")]},{asked[words]},"status":{status},'
            f'"bytes":{sent},"duration":{elapsed:.6f},"referer":{quoted[get("HTTP_REFERER", "")]},'
            f'"user_agent":{quoted[get("HTTP_USER_AGENT", "")]},{end}'
        )

    return log
