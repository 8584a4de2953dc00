"""The corpus of requests: each whole, split in two everywhere, byte by byte, and after another.

Whatever the split and whatever the mode of the seam, the outcome is the same.
"""

import re
import tomllib
from pathlib import Path

import corpus_driver as driver
import pytest

from hookserve.protocol import CLOSING, IDLE

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
VALID = tomllib.loads((CORPUS / "valid.toml").read_text())
INVALID = tomllib.loads((CORPUS / "invalid.toml").read_text())
GOOD = b"GET /first HTTP/1.1\r\nHost: example.com\r\n\r\n"
MOST_SPLITS = 120


def ways_to_split(data):
    """Whole, byte by byte, and in two pieces at every position (a bounded sample for long ones)."""
    yield [data]
    if len(data) <= 2000:
        yield [data[at : at + 1] for at in range(len(data))]
    step = max(1, len(data) // MOST_SPLITS)
    for at in range(1, len(data), step):
        yield [data[:at], data[at:]]


def statuses(sent):
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", sent)]


def final(codes):
    return [code for code in codes if code >= 200]


def read(kind, name):
    return (CORPUS / kind / f"{name}.http").read_bytes()


def test_every_file_has_its_expectation_and_the_other_way_round():
    assert {path.stem for path in (CORPUS / "valid").iterdir()} == VALID.keys()
    assert {path.stem for path in (CORPUS / "invalid").iterdir()} == INVALID.keys()


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize("name", VALID)
def test_a_valid_request_is_understood(name, buffered):
    data, expected = read("valid", name), VALID[name]
    count = expected.get("requests", 1)

    for pieces in ways_to_split(data):
        app = driver.Recorder()
        transport, connection = driver.converse(driver.make_protocol(app, buffered), pieces)

        assert final(statuses(transport.sent)) == [200] * count
        environ = app.environs[0]
        for key, value in expected.get("environ", {}).items():
            assert environ[key] == value
        for key in expected.get("absent", ()):
            assert key not in environ
        if "body" in expected:
            assert app.bodies[0].decode("latin-1") == expected["body"]
        if "persists" in expected:
            assert connection.state == (IDLE if expected["persists"] else CLOSING)


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize("name", VALID)
def test_a_valid_request_is_understood_after_another(name, buffered):
    app = driver.Recorder()

    transport, _ = driver.converse(
        driver.make_protocol(app, buffered), [GOOD + read("valid", name)]
    )

    count = VALID[name].get("requests", 1)
    assert final(statuses(transport.sent)) == [200] * (count + 1)


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_request_is_refused_once(name, buffered):
    data, expected = read("invalid", name), INVALID[name]

    for pieces in ways_to_split(data):
        app = driver.Recorder()
        transport, connection = driver.converse(driver.make_protocol(app, buffered), pieces)

        assert final(statuses(transport.sent)) == [expected["status"]]
        assert connection.state == CLOSING
        assert connection.lingers


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize("name", [name for name in INVALID if name != "empty-lines"])
def test_an_invalid_request_is_refused_after_another(name, buffered):
    app = driver.Recorder()

    transport, connection = driver.converse(
        driver.make_protocol(app, buffered), [GOOD + read("invalid", name)]
    )

    assert final(statuses(transport.sent)) == [200, INVALID[name]["status"]]
    assert connection.state == CLOSING
