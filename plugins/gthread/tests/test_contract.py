"""The public contract, held by the gthread worker."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "gthread"
    settings = {"threads": 2}
    requests_to_hang = 2
