"""The public contract, held by the gevent worker."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "gevent"
