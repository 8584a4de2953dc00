"""The gthread worker's own promises."""

import threading
import time
from pathlib import Path

import pytest

from hookserve.testing import serve
from hookserve.testing.contract.client import Client, ask, in_parallel, request, wait_until_read

pytestmark = pytest.mark.process

DELAY = 0.05


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/sleep/"):
        time.sleep(float(path.removeprefix("/sleep/")))  # a slow application
    body = f"{threading.current_thread().name} {environ['wsgi.multithread']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def slowest(server, count):
    found = 0.0
    for _ in range(count):
        began = time.monotonic()
        assert ask(server.address).status == 200
        found = max(found, time.monotonic() - began)
    return found


def test_preconnects_and_half_heads_delay_no_client():
    """W11, W12: the threads are two, the slow clients four.

    A delay that the server makes is there in every round; one that the machine makes is not.
    """
    with serve(application, worker="gthread", settings={"threads": 2}) as server:
        clients = [Client(server.address) for _ in range(4)]
        for client in clients[2:]:
            client.send(b"GET / HTTP/1.1\r\nHo")
        wait_until_read(clients)

        assert min(slowest(server, 20) for _ in range(3)) < DELAY
        for client in clients:
            client.socket.close()


def test_quick_requests_do_not_queue_behind_a_slow_one():
    """W13: a worker without a free thread leaves new connections to the other one."""
    settings = {"threads": 1}
    with serve(application, worker="gthread", workers=2, settings=settings) as server:
        with Client(server.address) as slow:
            slow.send(request("/sleep/3"))
            wait_until_read([slow])
            began = time.monotonic()

            answers = in_parallel(8, lambda _: [ask(server.address).status for _ in range(5)])

            assert answers == [[200] * 5] * 8
            assert time.monotonic() - began < 1.5
            assert slow.read().status == 200


def test_slow_requests_run_at_once_on_as_many_threads_as_there_are():
    settings = {"threads": 8}
    with serve(application, worker="gthread", settings=settings) as server:
        began = time.monotonic()
        in_parallel(8, lambda _: [ask(server.address, "/sleep/0.05").status for _ in range(10)])

        assert time.monotonic() - began < 2.0  # one after the other: 4


def test_idle_connections_cost_no_thread():
    with serve(application, worker="gthread", settings={"threads": 2}) as server:
        clients = [Client(server.address) for _ in range(30)]
        for client in clients:
            assert client.ask(request()).status == 200
        pid = server.workers()[0]

        status = Path(f"/proc/{pid}/status").read_text()

        assert status.partition("Threads:")[2].split()[0] == "3"
        assert min(slowest(server, 20) for _ in range(3)) < DELAY
        for client in clients:
            client.socket.close()


def test_one_thread_is_not_multithreaded():
    with serve(application, worker="gthread", settings={"threads": 1}) as server:
        assert ask(server.address).text == "gthread-0 False"


def test_a_worker_with_a_thread_to_spare_is_not_silent():
    settings = {"threads": 2, "timeout": 1}
    with serve(application, worker="gthread", settings=settings) as server:
        with Client(server.address) as client:
            assert client.ask(request("/sleep/2.5")).status == 200

        assert [event for event in server.events if event["event"] == "exit"] == []


def test_the_threads_setting_is_for_gthread_alone():
    arguments = ["--threads", "3"]
    with serve(application, worker="epoll", arguments=arguments) as server:
        assert "threads (command line): the worker epoll does not honour it" in server.log


@pytest.mark.parametrize(
    "patch",
    ["from gevent import monkey; monkey.patch_all()", "import eventlet; eventlet.monkey_patch()"],
    ids=["gevent", "eventlet"],
)
@pytest.mark.parametrize("preload", [False, True], ids=["", "preload"])
def test_threads_are_real_where_the_configuration_file_patches_them(tmp_path, patch, preload):
    configuration = tmp_path / "patching.py"
    configuration.write_text(f"{patch}\n")
    settings = {"threads": 4, "preload_app": preload}
    arguments = ["-c", str(configuration)]
    with serve(application, worker="gthread", settings=settings, arguments=arguments) as server:
        began = time.monotonic()
        answers = in_parallel(4, lambda _: ask(server.address, "/sleep/0.5"))

    assert [answer.status for answer in answers] == [200] * 4
    assert time.monotonic() - began < 1.5
