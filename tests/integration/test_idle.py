"""A worker that has much to do is not idle after each request, whatever its model."""

import pytest
from support.models import MODELS

from hookserve.testing import serve
from hookserve.testing.contract import recorded, recorder
from hookserve.testing.contract.client import Client, request
from hookserve.testing.suspending import suspended

CLIENTS = 32


def calls(server, hook):
    return [each for each in server.events if each.get("hook") == hook]


@pytest.mark.parametrize("model", MODELS)
def test_what_waits_together_is_served_together(model):
    """So that a line of the access log has no write of its own."""
    specification = f"{recorded.__name__}:application"
    plugin = ("-P", recorder.__name__)
    with serve(specification, worker=model, arguments=plugin) as server:
        with suspended(server.workers().values()):
            clients = [Client(server.address) for _ in range(CLIENTS)]
            for client in clients:
                client.send(request("/", "Connection: close\r\n"))
        for client in clients:
            client.read_to_end()
            client.socket.close()
        server.stop()

        assert len(calls(server, "log_access")) == CLIENTS
        assert 1 <= len(calls(server, "worker_idle")) <= CLIENTS / 2
