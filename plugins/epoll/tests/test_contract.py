"""The public contract, held by the epoll worker."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "epoll"
