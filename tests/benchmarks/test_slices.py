"""What a request costs in a slice."""

import itertools
from types import SimpleNamespace

import pytest

from benchmarks import load, slices

pytestmark = pytest.mark.process


@pytest.fixture
def stream(monkeypatch):
    monkeypatch.setattr(slices, "_WARM_UP", 0.0)
    monkeypatch.setattr(slices, "_SLICE", 0.001)
    monkeypatch.setattr(slices, "tree_of", lambda pid: [pid])
    times = itertools.count()
    monkeypatch.setattr(slices, "run_time_of", lambda pids: next(times) * 1e-3)
    stream = slices.Stream(SimpleNamespace(pid=1), ["sleep", "60"])
    yield stream
    stream.close()


def test_a_slice_in_which_the_client_had_no_processor_does_not_count(stream, monkeypatch):
    reads = iter([0, 0, 0, 0, 0, 10])
    monkeypatch.setattr(slices, "reads_of", lambda pids: next(reads))

    assert stream.cost() == pytest.approx(100.0)


def test_a_client_that_sends_nothing_is_an_error(stream, monkeypatch):
    monkeypatch.setattr(slices, "reads_of", lambda pids: 0)

    with pytest.raises(load.LoadError, match="no request was served in 20 slices"):
        stream.cost()
