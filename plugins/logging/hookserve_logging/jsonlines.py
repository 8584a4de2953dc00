"""The access log as JSON objects, one a line; the encoder sees to what clients say."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii

from hookserve_logging.clock import Clock
from hookserve_logging.line import Field, Log, Write, compile_line

TIME = '{"time":"%Y-%m-%dT%H:%M:%S%z","pid":'


def compile_json(clock: Clock, write: Write) -> Log:
    """A function that makes one JSON object of a record, and has it written."""
    return compile_line("", _FIELDS, {}, clock, write)


def _quote(text: str | None) -> str:
    return encode_basestring_ascii(text or "")


def _quote_request(words: tuple[str | None, ...]) -> str:
    method, path, query, protocol = map(_quote, words)
    return f'"method":{method},"path":{path},"query":{query},"protocol":{protocol}'


def _quote_failure(said: tuple[str, str] | None) -> str:
    line, reason = map(_quote, said or ("", ""))
    return f'"request_line":{line},"reason":{reason}'


def _seconds(microseconds: int) -> str:
    return f"{microseconds / 1e6:.6f}"


_FIELDS = (
    Field("clock.text"),
    Field("clock.pid", str, ',"remote_addr":'),
    Field("get('REMOTE_ADDR')", _quote, ","),
    Field(
        # A request that was killed with its worker has not all of them.
        "(environ['REQUEST_METHOD'], environ['PATH_INFO'], environ['QUERY_STRING'],"
        " environ['SERVER_PROTOCOL']) if 'SERVER_PROTOCOL' in environ else"
        " (get('REQUEST_METHOD'), get('PATH_INFO'), get('QUERY_STRING'), '')",
        _quote_request,
        ',"status":',
    ),
    Field("record.status", str, ',"bytes":'),
    Field("record.sent", None, ',"duration":'),
    Field("int((record.ended - record.began) * 1e6)", _seconds, ',"referer":'),
    Field("get('HTTP_REFERER')", _quote, ',"user_agent":'),
    Field("get('HTTP_USER_AGENT')", _quote, ","),
    Field(
        "(record.request_line, record.reason) if record.reason or record.request_line else None",
        _quote_failure,
        "}",
    ),
)
