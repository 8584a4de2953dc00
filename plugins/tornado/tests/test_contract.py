"""The public contract, held by the tornado worker."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "tornado"
