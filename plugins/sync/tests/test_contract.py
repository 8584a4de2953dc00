"""The public contract, held by the sync worker."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "sync"
