"""Temporary files are bounded for each connection and for each worker."""

import errno
import tempfile

import pytest

from hookserve.reactor.outbox import Outbox
from hookserve.worker.spool import SpoolBudget, SpoolFile


def make(budget, limit=0):
    return SpoolFile(tempfile.TemporaryFile(buffering=0), budget, limit)


def test_a_file_has_a_limit():
    with make(SpoolBudget(0), 1000) as file:
        file.write(b"x" * 600)
        with pytest.raises(OSError, match="spool_connection_limit") as caught:
            file.write(b"x" * 600)

        assert caught.value.errno == errno.EDQUOT
        file.seek(0)
        assert len(file.read()) == 600


def test_the_files_of_a_worker_have_one_together_and_closing_frees():
    budget = SpoolBudget(1000)
    first, second = make(budget), make(budget)
    first.write(b"x" * 600)
    with pytest.raises(OSError, match="spool_worker_limit"):
        second.write(b"x" * 600)

    first.close()
    first.close()

    second.write(b"x" * 600)
    assert budget.used == 600
    second.close()
    assert budget.used == 0


def test_an_unread_response_counts_and_waits_in_memory_beyond():
    budget = SpoolBudget(1000)
    outbox = Outbox(100, lambda: make(budget))

    assert outbox.spool(b"x" * 600)
    assert not outbox.spool(b"x" * 600)

    assert (budget.used, outbox.memory) == (600, 600)
    outbox.close()
    assert budget.used == 0
