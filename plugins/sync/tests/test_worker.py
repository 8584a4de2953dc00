"""The sync worker's own promises."""

import resource
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from hookserve.testing import serve
from tests.support import web

pytestmark = pytest.mark.process

GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def read_all(client):
    parts = []
    while data := client.recv(65536):
        parts.append(data)
    return b"".join(parts)


def test_a_request_in_pieces_is_put_together():
    with serve(application) as server:
        with socket.create_connection(server.address, timeout=10) as client:
            for at in range(len(GET)):
                client.sendall(GET[at : at + 1])

            assert read_all(client).endswith(b"\r\n\r\nok")


def test_a_slow_head_has_one_deadline_and_not_one_a_byte():
    with serve(application, settings={"header_timeout": 0.5}) as server:
        with socket.create_connection(server.address, timeout=10) as client:
            client.settimeout(0.1)
            sent, answer = 0, b""
            while not answer and sent < 100:
                client.sendall(b"GET / HTTP/1.1\r\n"[sent % 16 : sent % 16 + 1])
                sent += 1
                try:
                    answer = client.recv(100)
                except TimeoutError:
                    pass

            assert answer.startswith(b"HTTP/1.1 408 ")
            assert sent < 20


def test_running_out_of_descriptors_pauses_and_recovers():
    """W15: the worker stays, and serves again when there are descriptors."""
    with serve(application, settings={"header_timeout": 2}) as server:
        pid = server.workers()[0]
        soft = len(list(Path(f"/proc/{pid}/fd").iterdir())) + 10
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, soft))
        clients = [socket.create_connection(server.address) for _ in range(30)]
        for client in clients[:20]:
            client.close()

        answer = web.get(server.url, timeout=15)

        assert answer.status_code == 200
        assert server.workers()[0] == pid
        for client in clients:
            client.close()


@pytest.mark.skipif(not Path("/usr/bin/strace").exists(), reason="strace is not installed")
def test_a_new_connection_costs_few_system_calls(tmp_path):
    count = 200
    with serve(application) as server:
        web.get(server.url)
        trace = tmp_path / "trace"
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", str(server.workers()[0]), "-o", str(trace)],
            stderr=subprocess.PIPE,
        )
        assert b"attached" in tracer.stderr.readline()
        for _ in range(count):
            with socket.create_connection(server.address, timeout=10) as client:
                client.sendall(GET)
                read_all(client)
        tracer.terminate()
        tracer.communicate()

    calls = [line for line in trace.read_text().splitlines() if "(" in line]
    # epoll_wait, accept4, ioctl, read, (wait: epoll_ctl, epoll_wait, read), write, close, accept4
    assert len(calls) / count < 12


def thread_and_flag(environ, start_response):
    body = f"{threading.current_thread().name} {environ['wsgi.multithread']}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def test_the_application_runs_in_the_main_thread():
    with serve(thread_and_flag) as server:
        assert web.get(server.url).text == "MainThread False"
