"""Requests that hookserve accepts, and what others make of them.

hookserve is meant to be stricter: that others accept what it refuses is no finding.  That one
refuses what hookserve accepts, or understands it differently, is how requests are smuggled past
a proxy, and a finding unless `KNOWN` says why it is not.
"""

import hashlib
import importlib.util
import re
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random

from hookserve.protocol.seam import IDLE
from tests.fuzz import requests
from tests.fuzz import seeds as corpus
from tests.fuzz.parsers import PARSERS, Request, by_hookserve
from tests.fuzz.report import Row

LONGEST_TIME = 5.0
"""Seconds that one comparison may take; more is a finding."""
MOST_FINDINGS = 5
MOST_REFINEMENTS = 1000


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What another parser makes of a request that hookserve accepts."""

    parser: str
    kind: str
    """``refuses``, ``waits``, ``more``, or the part of the request that is another."""
    ours: Request | None
    theirs: Request | None = None
    reason: str = ""
    wire: bytes = field(default=b"", repr=False)

    @property
    def nature(self):
        """What is the same in findings of one kind."""
        return self.parser, self.kind, re.sub(r"\(.*\)", "", self.reason)

    def __str__(self):
        return (
            f"{self.parser} {self.kind}: {self.reason} {self.theirs or ''} where we see {self.ours}"
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A disagreement that is justified."""

    parser: str
    kind: str
    applies: Callable[[Disagreement], bool]
    reason: str
    example: bytes


_CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_UPGRADE = b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
METHODS_OF_LLHTTP = frozenset(
    {
        "ACL",
        "BIND",
        "CHECKOUT",
        "CONNECT",
        "COPY",
        "DELETE",
        "GET",
        "HEAD",
        "LINK",
        "LOCK",
        "M-SEARCH",
        "MERGE",
        "MKACTIVITY",
        "MKCALENDAR",
        "MKCOL",
        "MOVE",
        "NOTIFY",
        "OPTIONS",
        "PATCH",
        "POST",
        "PROPFIND",
        "PROPPATCH",
        "PURGE",
        "PUT",
        "QUERY",
        "REBIND",
        "REPORT",
        "SEARCH",
        "SOURCE",
        "SUBSCRIBE",
        "TRACE",
        "UNBIND",
        "UNLINK",
        "UNLOCK",
        "UNSUBSCRIBE",
    }
)


def _has_unusual_method(found):
    return found.ours.method not in METHODS_OF_LLHTTP


def _asks_for_upgrade(found):
    if found.ours.method == "CONNECT":
        return True
    options = found.ours.fields.get("HTTP_CONNECTION", "").lower()
    return "upgrade" in options and "HTTP_UPGRADE" in found.ours.fields


def _has_space_before_extension(found):
    # In the error is a repr(), which chooses its quotes by what it quotes.
    header = r"illegal chunk header: bytearray\(b['\"][0-9A-Fa-f]+( |\\t)+;"
    return re.match(header, found.reason) is not None


def _has_space_in_extension(found):
    is_reported = found.reason.startswith("Invalid character in chunk ")
    return is_reported and re.search(rb"[ \t][;=]|[;=][ \t]", found.wire) is not None


def _obeys_proxy_connection(found):
    found_late = "Data after `Connection: close`" in found.reason
    return (
        found_late and re.search(rb"(?i)\r\nproxy-connection:[ \t]*close", found.wire) is not None
    )


def _reports(text):
    return lambda found: text in found.reason


KNOWN = (
    Known(
        "h11",
        "refuses",
        _reports("no request line received"),
        "RFC 9112, 2.2: an empty line before a request should be ignored; h11 ignores none",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Known(
        "h11",
        "refuses",
        _has_space_before_extension,
        "RFC 9112, 7.1.1: white space may stand before the semicolon of a chunk extension",
        _CHUNKED + b"0 ;a\r\n\r\n",
    ),
    Known(
        "h11",
        "refuses",
        _reports("it closes after HTTP/1.0"),
        "RFC 9112, 9.3: a client of HTTP/1.0 may ask for keep-alive; h11 has none",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    ),
    Known(
        "httptools",
        "refuses",
        _has_space_in_extension,
        "RFC 9112, 7.1.1: white space may stand around what separates chunk extensions",
        _CHUNKED + b"0 ; a = b\r\n\r\n",
    ),
    Known(
        "httptools",
        "refuses",
        _has_unusual_method,
        "RFC 9110, 9.1: a method is a token; llhttp knows a list of them",
        b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Known(
        "httptools",
        "refuses",
        _reports("invalid `Transfer-Encoding`"),
        "RFC 9110, 5.5: white space after the value is no part of it",
        _CHUNKED.replace(b"chunked", b"chunked\t ") + b"0\r\n\r\n",
    ),
    Known(
        "httptools",
        "refuses",
        _reports("it stops for an upgrade"),
        "after a request to switch protocols, llhttp leaves what follows to its caller",
        _UPGRADE + b"Host: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Known(
        "httptools",
        "refuses",
        _obeys_proxy_connection,
        "RFC 9112, C.2.2: Proxy-Connection is not a field of HTTP; llhttp takes it for Connection",
        b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n"
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    Known(
        "httptools",
        "body",
        _asks_for_upgrade,
        "of a request to switch protocols, llhttp leaves the body to its caller",
        _UPGRADE + b"Host: a\r\nContent-Length: 1\r\n\r\na",
    ),
)


def installed():
    """The other parsers that are there."""
    return [name for name in PARSERS if importlib.util.find_spec(name)]


def compare(data, parsers=None):
    """The disagreements about `data`, justified or not; at most one with each parser."""
    ours, state = by_hookserve(data)
    found = []
    if not ours.requests and state != IDLE:
        return found
    for parser in parsers or installed():
        theirs = PARSERS[parser](data)
        found.extend(replace(each, wire=data) for each in _differences(parser, ours, state, theirs))
    return found


def _differences(parser, ours, state, theirs):
    for number, request in enumerate(ours.requests):
        if number == len(theirs.requests):
            kind = "refuses" if theirs.refusal else "waits"
            yield Disagreement(parser, kind, request, reason=theirs.refusal)
            return
        other = theirs.requests[number]
        for kind in ("method", "target", "version", "fields", "body"):
            if _seen(request, kind) != _seen(other, kind):
                yield Disagreement(parser, kind, request, other)
                return
    # We are between two requests; a parser that sees one there has found it in something of ours.
    if state == IDLE and not ours.refusal and len(theirs.requests) > len(ours.requests):
        yield Disagreement(parser, "more", None, theirs.requests[len(ours.requests)])


def _seen(request, kind):
    """The part, without what parsers leave to others."""
    seen = getattr(request, kind)
    if kind != "fields":
        return seen
    seen = dict(seen)
    if "://" in request.target or request.method == "CONNECT":
        # RFC 9112, 3.2.2 and 3.2.3: the authority in the target replaces the Host.
        seen.pop("HTTP_HOST", None)
    if "HTTP_TRANSFER_ENCODING" in seen:
        # RFC 9112, 7: names of codings are case-insensitive; h11 answers them in lower case.
        seen["HTTP_TRANSFER_ENCODING"] = seen["HTTP_TRANSFER_ENCODING"].lower()
    return seen


def justification(disagreement):
    """Why it is no finding; `None` when it is one."""
    for known in KNOWN:
        is_it = known.parser == disagreement.parser and known.kind == disagreement.kind
        if is_it and known.applies(disagreement):
            return known.reason
    return None


def stale():
    """What the table says and no parser that is here does any more."""
    for known in KNOWN:
        if known.parser in installed():
            found = compare(known.example, [known.parser])
            if [justification(each) for each in found] != [known.reason]:
                yield f"{known.parser} does not disagree any more: {known.reason}"


def check(data):
    """Raise for a disagreement that nothing justifies."""
    unjustified = [each for each in compare(data) if justification(each) is None]
    assert not unjustified, "; ".join(map(str, unjustified))


def fuzz(name, directory, executions, seconds, seed):
    """Compare generated requests until one of the two is used up; the row for the table."""
    random = Random(seed)
    begun, count, findings = time.monotonic(), 0, {}
    waiting = list(corpus.requests())
    while count < executions and time.monotonic() - begun < seconds:
        data = waiting.pop() if waiting else requests.wire(random)
        count += 1
        try:
            with at_most(LONGEST_TIME):
                disagreements = compare(data)
        except TimeoutError:
            disagreements = [Disagreement("all", "time", None, reason="it takes too long")]
        for found in disagreements:
            if justification(found) is None and found.nature not in findings:
                path = directory / "findings" / name / hashlib.sha1(data).hexdigest()
                path.parent.mkdir(parents=True, exist_ok=True)
                if found.kind != "time":
                    data = refine(data, found.nature, random)
                path.write_bytes(data)
                findings[found.nature] = f"{path}: {found}"
        if len(findings) >= MOST_FINDINGS:
            break
    took = time.monotonic() - begun
    return Row(name, count, took, findings=[*stale(), *findings.values()])


@contextmanager
def at_most(seconds):
    """Raises TimeoutError in the block when it takes longer."""

    def stop(signum, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refine(data, nature, random):
    """As little of `data` as still shows the disagreement."""
    for _ in range(MOST_REFINEMENTS):
        at = random.randrange(len(data))
        shorter = data[:at] + data[at + random.choice((1, 2, 8, 32)) :]
        if nature in [each.nature for each in compare(shorter)]:
            data = shorter
    return data
