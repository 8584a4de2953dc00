"""The corpus of requests: each whole, split in two everywhere, byte by byte, and after another.

Whatever the split and whatever the mode of the seam, the outcome is the same.
"""

import re
from functools import cache
from itertools import product

import pytest
import support.corpus_driver as driver
from support.corpus_files import CORPUS, GOOD, INVALID, SETTINGS, VALID, read

from hookserve.protocol.seam import CLOSING, IDLE

MOST_SPLITS = 120
LARGEST_PIECE = 65536
MODES = {"streamed": {}, "awaited": {"awaited_body": 5}, "buffered": {"buffered": True}}


def ways_to_split(data):
    """Whole, byte by byte, and in two pieces at every position.

    Of a long one a sample of the positions, and those inside each CRLF.
    """
    # No worker model hands over more at once.
    yield [data[at : at + LARGEST_PIECE] for at in range(0, len(data), LARGEST_PIECE)]
    if len(data) <= 2000:
        yield [data[at : at + 1] for at in range(len(data))]
    step = max(1, len(data) // MOST_SPLITS)
    inside = (match.start() + 1 for match in re.finditer(b"\r\n", data))
    for at in sorted({*range(1, len(data), step), *inside}):
        yield [data[:at], data[at:]]


def statuses(sent):
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", sent)]


def final(codes):
    return [code for code in codes if code >= 200]


@cache
def protocol_in(mode):
    """One for each mode: its conversations share what is decided at boot and what is cached."""
    return driver.make_protocol(None, **MODES[mode], **SETTINGS)


def converse(mode, pieces):
    protocol = protocol_in(mode)
    app = protocol.app = driver.Recorder()
    return app, *driver.converse(protocol, pieces)


def test_every_file_has_its_expectation_and_the_other_way_round():
    assert {path.stem for path in (CORPUS / "valid").iterdir()} == VALID.keys()
    assert {path.stem for path in (CORPUS / "invalid").iterdir()} == INVALID.keys()


def test_no_request_is_there_twice():
    files = [path for kind in ("valid", "invalid") for path in (CORPUS / kind).iterdir()]

    names = {}
    for path in files:
        names.setdefault(path.read_bytes(), []).append(path.stem)

    assert [same for same in names.values() if len(same) > 1] == []


@pytest.mark.parametrize("name", VALID)
def test_a_valid_request_is_understood(name):
    data, expected = read("valid", name), VALID[name]
    count = expected.get("requests", 1)

    for mode, pieces in product(MODES, ways_to_split(data)):
        app, transport, connection = converse(mode, pieces)

        assert final(statuses(transport.sent)) == [200] * count, mode
        environ = app.environs[0]
        for key, value in expected.get("environ", {}).items():
            assert environ[key] == value, mode
        for key in expected.get("absent", ()):
            assert key not in environ, mode
        if "body" in expected:
            assert app.bodies[0].decode("latin-1") == expected["body"], mode
        if "size" in expected:
            assert len(app.bodies[0]) == expected["size"], mode
        if "paths" in expected:
            assert [each["PATH_INFO"] for each in app.environs] == expected["paths"], mode
        if "bodies" in expected:
            assert [each.decode("latin-1") for each in app.bodies] == expected["bodies"], mode
        assert connection.state == (IDLE if expected.get("persists", True) else CLOSING), mode


@pytest.mark.parametrize("name", VALID)
def test_a_valid_request_is_understood_after_another(name):
    count = VALID[name].get("requests", 1)

    for mode in MODES:
        _, transport, _ = converse(mode, [GOOD + read("valid", name)])

        assert final(statuses(transport.sent)) == [200] * (count + 1), mode


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_is_refused_once(name):
    data, expected = read("invalid", name), INVALID[name]
    outcome = [200] * expected.get("answered", 0) + [expected["status"]]

    for mode, pieces in product(MODES, ways_to_split(data)):
        _, transport, connection = converse(mode, pieces)

        assert final(statuses(transport.sent)) == outcome, mode
        assert connection.state == CLOSING, mode
        assert connection.lingers, mode


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_is_refused_after_another(name):
    answered = INVALID[name].get("answered", 0) + 1

    for mode in MODES:
        _, transport, connection = converse(mode, [GOOD + read("invalid", name)])

        assert final(statuses(transport.sent)) == [200] * answered + [INVALID[name]["status"]], mode
        assert connection.state == CLOSING, mode
