"""The public contract, held by the tornado worker: with an application of WSGI."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "tornado"

    @property
    def can(self):
        """WSGI cannot be cancelled, as coroutines are."""
        return {**super().can, "request_timeout": "kill"}
