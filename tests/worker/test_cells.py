"""One word of a record, by itself."""

import pytest

from hookserve.worker.cells import real_cell, unsigned_cell


@pytest.fixture
def record():
    return memoryview(bytearray(32))


def test_a_cell_is_the_word_of_its_number_and_no_other(record):
    unsigned_cell(record, 1)[()] = 2**64 - 1
    real_cell(record, 2)[()] = 12.5

    assert list(record.cast("Q"))[:2] == [0, 2**64 - 1]
    assert list(record.cast("d"))[2:] == [12.5, 0.0]


def test_a_cell_reads_what_is_stored_elsewhere(record):
    record.cast("Q")[3] = 7
    assert unsigned_cell(record, 3)[()] == 7


@pytest.mark.parametrize("make", [unsigned_cell, real_cell])
def test_there_is_no_cell_beyond_the_record(record, make):
    with pytest.raises((TypeError, ValueError)):
        make(record, 4)
