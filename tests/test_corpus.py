"""The corpus of requests: each whole, split in two everywhere, byte by byte, and after another.

Whatever the split and whatever the mode of the seam, the outcome is the same.
"""

import re

import pytest
import support.corpus_driver as driver
from support.corpus_files import CORPUS, GOOD, INVALID, SETTINGS, VALID, read

from hookserve.protocol.seam import CLOSING, IDLE

MOST_SPLITS = 120
LARGEST_PIECE = 65536
MODES = pytest.mark.parametrize(
    "mode", [{}, {"awaited_body": 5}, {"buffered": True}], ids=["streamed", "awaited", "buffered"]
)


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


class Talk:
    """Conversations of one mode; what is decided at boot, and what is cached, they share."""

    def __init__(self, mode):
        self.protocol = driver.make_protocol(None, **mode, **SETTINGS)

    def converse(self, pieces):
        app = self.protocol.app = driver.Recorder()
        return app, *driver.converse(self.protocol, pieces)


def test_every_file_has_its_expectation_and_the_other_way_round():
    assert {path.stem for path in (CORPUS / "valid").iterdir()} == VALID.keys()
    assert {path.stem for path in (CORPUS / "invalid").iterdir()} == INVALID.keys()


def test_no_request_is_there_twice():
    files = [path for kind in ("valid", "invalid") for path in (CORPUS / kind).iterdir()]

    names = {}
    for path in files:
        names.setdefault(path.read_bytes(), []).append(path.stem)

    assert [same for same in names.values() if len(same) > 1] == []


@MODES
@pytest.mark.parametrize("name", VALID)
def test_a_valid_request_is_understood(name, mode):
    data, expected = read("valid", name), VALID[name]
    count = expected.get("requests", 1)
    talk = Talk(mode)

    for pieces in ways_to_split(data):
        app, transport, connection = talk.converse(pieces)

        assert final(statuses(transport.sent)) == [200] * count
        environ = app.environs[0]
        for key, value in expected.get("environ", {}).items():
            assert environ[key] == value
        for key in expected.get("absent", ()):
            assert key not in environ
        if "body" in expected:
            assert app.bodies[0].decode("latin-1") == expected["body"]
        if "size" in expected:
            assert len(app.bodies[0]) == expected["size"]
        if "paths" in expected:
            assert [each["PATH_INFO"] for each in app.environs] == expected["paths"]
        if "bodies" in expected:
            assert [each.decode("latin-1") for each in app.bodies] == expected["bodies"]
        assert connection.state == (IDLE if expected.get("persists", True) else CLOSING)


@MODES
@pytest.mark.parametrize("name", VALID)
def test_a_valid_request_is_understood_after_another(name, mode):
    _, transport, _ = Talk(mode).converse([GOOD + read("valid", name)])

    count = VALID[name].get("requests", 1)
    assert final(statuses(transport.sent)) == [200] * (count + 1)


@MODES
@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_is_refused_once(name, mode):
    data, expected = read("invalid", name), INVALID[name]
    outcome = [200] * expected.get("answered", 0) + [expected["status"]]
    talk = Talk(mode)

    for pieces in ways_to_split(data):
        _, transport, connection = talk.converse(pieces)

        assert final(statuses(transport.sent)) == outcome
        assert connection.state == CLOSING
        assert connection.lingers


@MODES
@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_is_refused_after_another(name, mode):
    _, transport, connection = Talk(mode).converse([GOOD + read("invalid", name)])

    answered = INVALID[name].get("answered", 0) + 1
    assert final(statuses(transport.sent)) == [200] * answered + [INVALID[name]["status"]]
    assert connection.state == CLOSING
