"""The end of a lifespan, within the time that its worker has."""

import asyncio
import os

import pytest

from hookserve.testing import serve
from hookserve.testing.contract import recorder
from hookserve.testing.contract.client import Client, request

pytestmark = pytest.mark.process
RECORDS = ["-P", recorder.__name__]


async def slow_to_end(scope, receive, send):
    """Requests that never end; a shutdown that takes as long as the environment says."""
    if scope["type"] != "lifespan":
        await asyncio.sleep(60)
        return
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.sleep(float(os.environ["SHUTDOWN_TIME"]))
    os.write(2, b"shut down\n")
    await send({"type": "lifespan.shutdown.complete"})


def test_the_end_of_a_lifespan_shares_the_deadline_of_the_drain():
    variables = {"SHUTDOWN_TIME": "0.6"}
    options = {"settings": {"graceful_timeout": 2}, "environ": variables}
    with serve(slow_to_end, worker="asyncio", arguments=RECORDS, **options) as server:
        with Client(server.address) as client:
            client.send(request())
            server.wait_for("hook", lambda event: event["hook"] == "pre_request")
            assert server.stop() == 0
        assert "shut down" in server.log
        assert "timed out" not in server.log


def test_a_lifespan_that_does_not_end_is_cut_off_before_its_worker():
    variables = {"SHUTDOWN_TIME": "60"}
    options = {"settings": {"graceful_timeout": 1}, "environ": variables}
    with serve(slow_to_end, worker="asyncio", **options) as server:
        assert server.stop() == 0
        assert "shutdown failed: it has not ended in" in server.log
        assert "timed out" not in server.log
