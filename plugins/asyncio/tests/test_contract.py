"""The public contract, held by the asyncio worker: with an application of WSGI, in threads."""

from hookserve.testing import WorkerContract


class TestContract(WorkerContract):
    worker = "asyncio"
    settings = {"threads": 2}
    requests_to_hang = 2

    @property
    def can(self):
        """Threads cannot be cancelled, as coroutines are."""
        return {**super().can, "request_timeout": "kill"}
