"""The fuzzing in short, without coverage; and that each invariant would be seen to break.

``make fuzz`` is the long form.
"""

from random import Random

import pytest
from hookserve_http import connection as connection_module
from hookserve_http.connection import HttpConnection
from hookserve_http.framing import ChunkedDecoder
from hookserve_http.head import HeadParser

from hookserve.protocol.seam import READY
from tests.fuzz import __main__ as command
from tests.fuzz import differential, guided, parsers, report, requests, targets
from tests.fuzz.pieces import cut, swell

EXECUTIONS = 1500
GOOD = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
BAD = b"GET /a HTTP/1.1\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
IN_PIECES = bytes([0, 0, 7, 7, 7, 7])
IN_PIECES_WITH_408 = bytes([8, 0, 7, 7, 7, 7])


@pytest.mark.parametrize("name", targets.names())
def test_every_invariant_holds_for_what_fuzzing_begins_with(name):
    target = targets.load(name)
    random = Random(name)
    seeds = list(target.seeds())

    assert target.__doc__
    assert seeds
    target.check(b"")
    for data in seeds:
        target.check(data)
    for data in random.choices(seeds, k=EXECUTIONS):
        target.check(requests.mutate(random, data))


def changed(method, change):
    """The method, with something wrong."""

    def wrapper(self, *arguments):
        return change(self, method(self, *arguments), *arguments)

    return wrapper


def raise_it(self, answer, *arguments):
    raise ValueError("a defect")


def answer_after_the_end(self, answer, *arguments):
    return READY if arguments[0].startswith(b"GET /next") else answer


def hold_everything(self, answer, *arguments):
    self._buffer = arguments[0] * 20000
    return answer


def forget_the_first(self, answer, *arguments):
    return (answer[0][1:], answer[1])


def keep_more(self, answer, *arguments):
    self._buffer = b"x" * 20000
    return answer


def use_one_byte_more(self, answer, *arguments):
    return (answer[0], answer[1] + 1)


def cache_wrongly(self, answer, *arguments):
    answer[0]["HTTP_HOST"] += str(id(self))
    return answer


@pytest.mark.parametrize(
    ("target", "data", "owner", "method", "change"),
    [
        ("head", b"\0" + GOOD[:-4], HeadParser, "parse", raise_it),
        ("head", b"\0" + GOOD[:-4], HeadParser, "parse", use_one_byte_more),
        ("head", b"\0" + GOOD[:-4], HeadParser, "parse", cache_wrongly),
        ("chunks", b"\1\1\1\0" + CHUNKED[-15:], ChunkedDecoder, "take", raise_it),
        ("chunks", b"\1\1\1\0" + CHUNKED[-15:], ChunkedDecoder, "take", forget_the_first),
        ("chunks", b"\1\1\1\0" + CHUNKED[-15:-5], ChunkedDecoder, "take", keep_more),
        ("connection", IN_PIECES + GOOD, HttpConnection, "feed", raise_it),
        ("connection", IN_PIECES + GOOD, HttpConnection, "feed", answer_after_the_end),
        ("connection", IN_PIECES + GOOD[:-2], HttpConnection, "feed", hold_everything),
        ("connection", IN_PIECES + CHUNKED, ChunkedDecoder, "take", forget_the_first),
        ("connection", IN_PIECES + GOOD, HeadParser, "parse", cache_wrongly),
    ],
)
def test_a_defect_is_found(monkeypatch, target, data, owner, method, change):
    check = targets.load(target).check
    check(data)

    monkeypatch.setattr(owner, method, changed(getattr(owner, method), change))

    with pytest.raises((AssertionError, ValueError, TypeError)):
        check(data)


def test_an_answer_after_a_refusal_is_found(monkeypatch):
    check = targets.load("connection").check
    real = HttpConnection._send_refusal

    def refuse_twice(self, transport):
        again = self._refused
        real(self, transport)
        self._refused = again
        return real(self, transport)

    check(IN_PIECES + BAD)
    monkeypatch.setattr(HttpConnection, "_send_refusal", refuse_twice)

    with pytest.raises(AssertionError, match="after a refusal"):
        check(IN_PIECES + BAD)


def test_a_slow_client_without_408_is_found(monkeypatch):
    check = targets.load("connection").check
    check(IN_PIECES_WITH_408 + GOOD[:-2])
    monkeypatch.setattr(connection_module, "RequestTimeout", connection_module.BadRequest)

    with pytest.raises(AssertionError, match="no 408"):
        check(IN_PIECES_WITH_408 + GOOD[:-2])


def test_nothing_that_is_accepted_is_understood_differently():
    random = Random(1)

    for _ in range(EXECUTIONS):
        differential.check(requests.wire(random))


def test_what_is_known_of_others_is_still_so(monkeypatch):
    assert not list(differential.stale())

    monkeypatch.setattr(differential, "by_hookserve", lambda data: (parsers.Reading([]), READY))

    assert list(differential.stale())


def parser_that(change):
    def read(data):
        reading, _ = parsers.by_hookserve(data)
        return change(reading)

    return read


def with_first(reading, **values):
    for name, value in values.items():
        setattr(reading.requests[0], name, value)
    return reading


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (None, lambda reading: reading),
        ("method", lambda reading: with_first(reading, method="HEAD")),
        ("target", lambda reading: with_first(reading, target="/b")),
        ("version", lambda reading: with_first(reading, version="HTTP/1.0")),
        ("fields", lambda reading: with_first(reading, fields={})),
        ("body", lambda reading: with_first(reading, body=b"a")),
        ("refuses", lambda reading: parsers.Reading(reading.requests[:-1], "no")),
        ("waits", lambda reading: parsers.Reading(reading.requests[:-1])),
        ("more", lambda reading: parsers.Reading(reading.requests * 2)),
    ],
)
def test_each_kind_of_disagreement_is_found(monkeypatch, kind, change):
    monkeypatch.setitem(differential.PARSERS, "other", parser_that(change))

    found = differential.compare(GOOD + CHUNKED, ["other"])

    assert [each.kind for each in found] == ([kind] if kind else [])
    assert not any(map(differential.justification, found))


def test_a_finding_is_kept_small_and_can_be_replayed(monkeypatch, tmp_path):
    monkeypatch.setattr(differential, "KNOWN", ())
    monkeypatch.setattr(differential, "MOST_FINDINGS", 1)
    row = differential.fuzz("differential", tmp_path, 500, 20.0, 1)
    [path] = (tmp_path / "findings" / "differential").iterdir()

    assert [each.partition(":")[0] for each in row.findings] == [str(path)]
    assert len(path.read_bytes()) < 120
    with pytest.raises(AssertionError):
        command.replay(["differential"], [path])
    monkeypatch.undo()
    assert command.replay(["differential"], [path]) == 0


def test_a_comparison_without_end_is_found(monkeypatch, tmp_path):
    def never_ends(data):
        while True:
            pass

    monkeypatch.setattr(differential, "installed", lambda: ["other"])
    monkeypatch.setitem(differential.PARSERS, "other", never_ends)
    monkeypatch.setattr(differential, "LONGEST_TIME", 0.1)

    row = differential.fuzz("differential", tmp_path, 1, 20.0, 1)

    assert len(row.findings) == 1


@pytest.mark.parametrize("reader", parsers.PARSERS)
def test_no_bytes_are_no_requests(reader):
    assert reader not in differential.installed() or not parsers.PARSERS[reader](b"").requests


LOG = """#921    INITED cov: 170 ft: 500 corp: 90/30Kb exec/s: 0 rss: 42Mb
#1024   NEW    cov: 170 ft: 500 corp: 90/30Kb lim: 4096 exec/s: 8076 rss: 42Mb L: 93/3195
AssertionError: the outcome depends on the split
#43387  DONE   cov: 178 ft: 539 corp: 101/30Kb lim: 4096 exec/s: 7231 rss: 42Mb
stat::number_of_executed_units: 43387
"""


def test_the_fuzzers_log_becomes_a_row(tmp_path):
    good = guided.read("head", 0, LOG, [], 6.0)
    bad = guided.read("head", 77, LOG, [tmp_path / "crash"], 6.0)
    broken = guided.read("head", 1, "no module", [], 6.0)

    assert (good.executions, good.coverage, good.corpus, good.new) == (43387, 178, 101, 8)
    assert not good.findings
    assert bad.findings == [f"{tmp_path / 'crash'}: {LOG.splitlines()[2]}"]
    assert broken.findings == ["the fuzzer ended with 1: see its log"]
    assert report.line(good).split() == ["head", "43387", "7231", "178", "8", "101", "0"]
    assert report.line(bad).split()[-1] == "1"


@pytest.mark.parametrize("sizes", [b"\1", b"\2\3", b"\0", b"\7\0"])
def test_pieces_are_the_whole(sizes):
    data = bytes(range(256)) * 300

    pieces = cut(data, sizes)

    assert b"".join(pieces) == data
    assert len(pieces[0]) == (sizes[0] or 65536)
    assert swell(data, 10, len(data) + 25) == data + data[-10:] * 2
    assert swell(data, 10, 5) == data
