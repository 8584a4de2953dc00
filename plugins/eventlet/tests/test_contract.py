"""The public contract, held by the eventlet worker."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "eventlet"
