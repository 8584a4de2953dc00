"""Responses that do not end by themselves: what a stop, a reload and a client that has gone do."""

import signal
import time

import pytest
from support.endless_application import application

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, Load, ask, request

LIMITED = {"graceful_timeout": 1, "abort_timeout": 0.5}
CONCURRENT = ["gthread", "gevent", "eventlet"]
EVENT = b"c\r\ndata: tick\n\n\r\n"


def begin_events(server):
    """A client that has had the first event."""
    client = Client(server.address)
    client.send(request("/events"))
    seen = b""
    while EVENT not in seen:
        seen += client.socket.recv(1000)
    return client


def assert_cut_off(client, server):
    """More events came, and no last chunk: the client knows that it is not the end."""
    assert client.read_to_end().endswith(EVENT)
    assert "did not finish its requests in time; in flight: GET /events" in server.log


@pytest.mark.parametrize("worker", CONCURRENT)
def test_a_reload_waits_for_a_stream_of_events_within_its_limit_and_loses_nothing_else(worker):
    with serve(application, worker=worker, settings=LIMITED) as server:
        before = ask(server.address).text
        with begin_events(server) as client:
            with Load(server.address) as load:
                server.signal(signal.SIGHUP)
                server.wait_for("exit")
                load.wait_for(10)

            assert load.failures == []
            assert ask(server.address).text != before
            assert_cut_off(client, server)


@pytest.mark.parametrize("worker", ["sync", *CONCURRENT])
def test_a_stop_waits_for_a_stream_of_events_within_its_limit(worker):
    with serve(application, worker=worker, settings=LIMITED) as server:
        with begin_events(server) as client:
            began = time.monotonic()
            server.signal(signal.SIGTERM)

            assert server.wait() == 0

            assert 1.0 <= time.monotonic() - began < 6.0
            assert_cut_off(client, server)


@pytest.mark.parametrize("worker", ["sync", "epoll", *CONCURRENT])
def test_a_client_that_goes_while_nothing_is_sent_harms_nothing(worker, tmp_path):
    """Without a byte to send nothing tells that it has gone: the iterable runs to its end."""
    environ = {"TEST_FOLDER": str(tmp_path)}
    with serve(application, worker=worker, environ=environ) as server:
        with Client(server.address) as client:
            client.send(request("/nothing"))
            wait_until((tmp_path / "begun").exists)
        if worker in CONCURRENT:
            assert ask(server.address).status == 200
        assert not (tmp_path / "closed").exists()

        (tmp_path / "enough").touch()

        wait_until((tmp_path / "closed").exists)
        assert ask(server.address).text == str(server.workers()[0])
        assert (tmp_path / "closed").read_text() == "once\n"
        assert "Traceback" not in server.log


@pytest.mark.parametrize("worker", ["sync", "gevent"])
def test_a_response_of_nothing_ends_by_the_limit_of_a_request(worker, tmp_path):
    settings = {"request_timeout": 0.5, "abort_timeout": 0.5}
    environ = {"TEST_FOLDER": str(tmp_path)}
    with serve(application, worker=worker, settings=settings, environ=environ) as server:
        with Client(server.address) as client:
            client.send(request("/nothing"))
            wait_until((tmp_path / "begun").exists)

        if worker == "sync":
            server.wait_for("exit", lambda event: event["kind"] == "timed out")
        else:
            wait_until((tmp_path / "closed").exists)

        wait_until(lambda: 0 in server.workers())
        assert ask(server.address).status == 200
