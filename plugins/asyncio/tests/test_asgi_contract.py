"""The public contract for ASGI applications, held by the asyncio worker."""

from hookserve.testing import AsgiWorkerContract


class TestContract(AsgiWorkerContract):
    worker = "asyncio"
