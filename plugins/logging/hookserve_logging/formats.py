"""The access log's formats, compiled once into functions of a record.

Data from clients is escaped wherever it lands: a log line is always one line, and a quoted field
ends where it seems to (JSON: the encoder sees to it).
"""

from __future__ import annotations

import re
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
        "filled": _Remembered(lambda text: escape(text or "-")),
        "asked": _Remembered(lambda words: " ".join(map(escape, words))),
        "codes": _Remembered(lambda status: str(status or "-")),
        "user": _user,
        "header": _header,
        "clock": clock,
        "write": write,
    }
    exec(source, names)
    return cast("Log", names["log"])


_SOURCE = """
def log(record):
    environ = record.environ
    get = environ.get
    if record.ended >= clock.ends:
        clock.set(record.ended)
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
    return f"filled[get({key!r})]"


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
    "r": "escaped[record.request_line] if record.request_line else asked[environ['REQUEST_METHOD'],"
    " environ['RAW_URI'], environ['SERVER_PROTOCOL']]",
    "s": "codes[record.status]",
    "m": _text("REQUEST_METHOD"),
    "U": _text("PATH_INFO"),
    "q": "escaped[get('QUERY_STRING', '')]",
    "H": _text("SERVER_PROTOCOL"),
    "b": "record.sent or '-'",
    "B": "record.sent",
    "f": _text("HTTP_REFERER"),
    "a": _text("HTTP_USER_AGENT"),
    "T": "int(record.elapsed)",
    "M": "int(record.elapsed * 1000)",
    "D": "int(record.elapsed * 1000000)",
    "L": "format(record.elapsed, '.6f')",
    "p": "f'<{clock.pid}>'",
}
"""The fields, each as an expression of Python."""


def compile_json(clock: Clock, write: Write) -> Log:
    """As `compile_format`, a function that makes one JSON object of a record."""
    from json.encoder import encode_basestring_ascii

    def quote_request(words: tuple[str, ...]) -> str:
        method, path, query, protocol = map(encode_basestring_ascii, words)
        return f'"method":{method},"path":{path},"query":{query},"protocol":{protocol}'

    quoted = _Remembered(lambda text: encode_basestring_ascii(text or ""))
    asked = _Remembered(quote_request)
    codes, seconds = _Remembered(str), _Remembered(lambda micros: f"{micros / 1e6:.6f}")

    def log(record: AccessRecord) -> None:
        environ = record.environ
        get = environ.get
        if record.ended >= clock.ends:
            clock.set(record.ended)
        try:
            words = (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"],
                     environ["SERVER_PROTOCOL"])  # fmt: skip
        except KeyError:  # of a request that was refused or killed
            words = tuple(get(key, "") for key in _REQUEST)
        end = '"request_line":"","reason":""}'
        if record.reason or record.request_line:
            line, reason = quoted[record.request_line], quoted[record.reason]
            end = f'"request_line":{line},"reason":{reason}}}'
        elapsed = record.ended - record.began
        micros = int(elapsed * 1e6)
        duration = seconds[micros] if micros < 1000 else f"{elapsed:.6f}"
        write(
            f'{{"time":"{clock.text}","pid":{clock.pid},"remote_addr":{quoted[get("REMOTE_ADDR")]},'
            f'{asked[words]},"status":{codes[record.status]},"bytes":{record.sent},'
            f'"duration":{duration},"referer":{quoted[get("HTTP_REFERER")]},'
            f'"user_agent":{quoted[get("HTTP_USER_AGENT")]},{end}'
        )

    return log


_REQUEST = "REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL"
