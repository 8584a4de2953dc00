"""The access log as JSON objects, one a line; the encoder escapes what clients send."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from math import floor

from hookserve import AccessRecord
from hookserve_logging.clock import Clock, process_text, time_text
from hookserve_logging.line import Field, Functions, Log, Part, Write, compile_line


def compile_json(clock: Clock, write: Write, with_ids: bool = False) -> Log:
    """A function that makes one JSON object of a record, `with_ids` with the request's, and has it
    written."""
    return compile_line(PARTS_WITH_ID if with_ids else PARTS, FUNCTIONS, clock, write)


def _quote(text: str | None) -> str:
    return encode_basestring_ascii(text or "")


def _quote_request(value: tuple[str | None, str | None, str | None, str | None, int]) -> str:
    """And its status: most paths have one, so that one look-up serves for both."""
    *words, status = value
    method, path, query, protocol = map(_quote, words)
    return (
        f'"method":{method},"path":{path},"query":{query},"protocol":{protocol},"status":{status}'
    )


def _quote_failure(record: AccessRecord) -> str:
    line, reason = _quote(record.request_line), _quote(record.reason)
    return f',"request_line":{line},"reason":{reason}}}'


# Not int(): to call a class, CPython packs its arguments.
FUNCTIONS: Functions = {"floor": floor, "quote": _quote, "quote_failure": _quote_failure}
PARTS: tuple[Part, ...] = (
    '{"time":"',
    time_text("%Y-%m-%dT%H:%M:%S%z"),
    '","pid":',
    process_text,
    ',"remote_addr":',
    Field("environ['REMOTE_ADDR']", _quote),
    ",",
    Field(
        "(environ['REQUEST_METHOD'], environ['PATH_INFO'], environ['QUERY_STRING'],"
        " environ['SERVER_PROTOCOL'], record.status_code)",
        _quote_request,
    ),
    ',"bytes":',
    Field("record.sent"),
    ',"duration_us":',
    Field("floor((record.ended - record.began) * 1e6)"),
    ',"referer":',
    Field("environ.get('HTTP_REFERER')", _quote),
    ',"user_agent":',
    Field("environ.get('HTTP_USER_AGENT')", _quote),
    Field("quote_failure(record) if record.reason else '}'"),
)
# Not cached: each is another.
_ID = ',"request_id":', Field("quote(record.request_id)")
PARTS_WITH_ID: tuple[Part, ...] = (*PARTS[:-1], *_ID, PARTS[-1])
"""Where requests have ids (`request_id`)."""
