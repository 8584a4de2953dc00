"""The head parser: bytes in, the environ and the number of bytes used out.

* It raises nothing but `BadRequest`.
* What it uses is a whole head, the first that there is.
* The environ has what WSGI wants: native strings of latin-1, no control character in any.
* What it caches changes nothing: a parser that has seen everything answers as a new one does.
"""

from hookserve_http.errors import BadRequest
from hookserve_http.fields import END
from hookserve_http.head import HeadParser
from hookserve_http.rules import HeadRules

from tests.fuzz import seeds as corpus

RULES = (
    HeadRules(),
    HeadRules(
        permit_obsolete_folding=True,
        strip_header_spaces=True,
        permit_unconventional_http_method=True,
        permit_unconventional_http_version=True,
        casefold_http_method=True,
        header_map="dangerous",
    ),
    HeadRules(
        limit_request_line=64,
        limit_request_fields=4,
        limit_request_field_size=64,
        header_map="refuse",
        forwarder_headers=frozenset({"SCRIPT_NAME", "PATH_INFO"}),
        secure_scheme_headers={"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_SSL": "on"},
    ),
)
TEMPLATE = {"SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "", "wsgi.url_scheme": "http"}
WARM = tuple(HeadParser(rules, TEMPLATE) for rules in RULES)


def seeds():
    """The corpus's heads, each under all rules."""
    for head in corpus.heads():
        for number in range(len(RULES)):
            yield bytes([number]) + head


def check(data):
    """One head, by a new parser and by one that has seen all others; the latter twice."""
    number, head = data[0] % len(RULES) if data else 0, data[1:] + END
    warm = WARM[number]
    expected = parse(HeadParser(RULES[number], TEMPLATE), head)
    assert parse(warm, head) == expected, "what was cached changes the outcome"
    assert parse(warm, head) == expected, "the second time the outcome is another"
    kind, size, environ = expected
    if kind is None:
        assert size == head.index(END) + len(END), "what was used is not the first head"
        look_at(environ)
    assert len(warm._request_line_cache) <= 256, "too many request lines are cached"
    assert len(warm._name_cache) <= 256, "too many names are cached"
    assert len(warm._line_cache) <= 1024, "too many lines are cached"
    assert len(warm._block_cache) <= 64, "too many blocks are cached"


def parse(parser, head):
    """The kind of the refusal or None, the size, and the environ of what was accepted."""
    try:
        environ, size = parser.parse(head)
        return None, size, environ
    except BadRequest as error:
        return type(error), 0, {}


def look_at(environ):
    """What must be true of every environ."""
    for key, value in environ.items():
        assert type(value) is str, f"{key} is no native string"
        value.encode("latin-1")
        if key != "PATH_INFO":  # which is percent-decoded
            found = [each for each in value if (each < " " and each != "\t") or each == "\x7f"]
            assert not found, f"{key} has a control character"
    assert environ["RAW_URI"].isascii(), "the target is not ASCII"
    assert " " not in environ["RAW_URI"], "the target has a space"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.0" or "HTTP_HOST" in environ, "no Host"
    assert environ["wsgi.url_scheme"] in ("http", "https"), "the scheme is another"
