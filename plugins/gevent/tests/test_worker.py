"""The gevent worker's own promises."""

import os
import socket
import subprocess
import sys
import time

import pytest
from support.green_applications import on_gevent

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, request

pytestmark = pytest.mark.process


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "hookserve", "-b", "127.0.0.1:0", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=30,
        check=False,
    )


def test_a_thousand_requests_sleep_side_by_side():
    with serve(on_gevent, worker="gevent", settings={"worker_connections": 1200}) as server:
        clients = [Client(server.address) for _ in range(1000)]
        began = time.monotonic()
        for client in clients:
            client.send(request("/sleep/1"))

        assert [client.read().status for client in clients] == [200] * 1000
        assert time.monotonic() - began < 3.0
        for client in clients:
            client.socket.close()


def test_an_uncaught_timeout_fails_its_request_alone():
    with serve(on_gevent, worker="gevent") as server:
        assert ask(server.address, "/timeout").status == 500
        assert ask(server.address).text == "ok"


def test_the_application_runs_in_a_greenlet_of_gevents_own_kind():
    with serve(on_gevent, worker="gevent") as server:
        assert ask(server.address, "/kind").text == "Greenlet"


def test_children_of_the_application_are_waited_for():
    with serve(on_gevent, worker="gevent") as server:
        assert ask(server.address, "/subprocess").text == "from a child\n"


def test_a_pipe_as_a_response_holds_no_other_request_up(tmp_path):
    file = tmp_path / "go on"
    environ = {"TEST_FILE": str(file)}
    with serve(on_gevent, worker="gevent", environ=environ) as server:
        with Client(server.address) as client:
            client.send(request("/pipe"))
            wait_until((tmp_path / "go on.begun").exists)

            assert ask(server.address).status == 200

            file.touch()
            assert client.read().text == "beginend"


def test_a_module_that_came_too_early_is_named(tmp_path):
    (tmp_path / "early.py").write_text("from socket import socket\n")
    (tmp_path / "hookserve.conf.py").write_text("import early\n")
    (tmp_path / "app.py").write_text("def application(environ, start_response): ...\n")

    result = run("-k", "gevent", "app", cwd=tmp_path)

    last = result.stderr.splitlines()[-1]
    assert result.returncode == 3
    assert last.startswith("hookserve: worker 'gevent': the module early (")
    assert "early.py) was imported before patching and keeps the blocking socket.socket" in last
    assert "Traceback" not in result.stderr


def test_the_configuration_file_itself_is_named(tmp_path):
    (tmp_path / "hookserve.conf.py").write_text("from time import sleep\n")
    (tmp_path / "app.py").write_text("def application(environ, start_response): ...\n")

    result = run("-k", "gevent", "app", cwd=tmp_path)

    assert result.returncode == 3
    assert "(hookserve.conf.py) was imported before patching" in result.stderr.splitlines()[-1]


def test_preloading_patches_the_arbiter_before_the_configuration_file(tmp_path):
    (tmp_path / "hookserve.conf.py").write_text(
        "from socket import socket\nopen('kind', 'w').write(socket.__module__)\n"
    )
    (tmp_path / "app.py").write_text(
        "from socket import socket\ndef application(environ, start_response):\n"
        "    start_response('200 OK', [])\n    return [socket.__module__.encode()]\n"
    )
    with serve("app", worker="gevent", chdir=tmp_path, arguments=["--preload"]) as server:
        assert ask(server.address).text.startswith("gevent")
        assert (tmp_path / "kind").read_text().startswith("gevent")

        os.kill(server.workers()[0], 9)
        server.wait_for("ready", count=2)
        assert ask(server.address).text.startswith("gevent")


def test_a_file_that_asks_for_preloading_itself_must_import_nothing_before(tmp_path):
    (tmp_path / "hookserve.conf.py").write_text(
        "from socket import socket\nworker_class = 'gevent'\npreload_app = True\n"
    )
    (tmp_path / "app.py").write_text("def application(environ, start_response): ...\n")

    result = run("app", cwd=tmp_path)

    assert result.returncode == 3
    assert "keeps the blocking socket.socket" in result.stderr.splitlines()[-1]


def test_a_client_that_floods_its_body_disturbs_no_other():
    """Events for a connection whose request runs are recorded, not spun on."""
    with serve(on_gevent, worker="gevent") as server:
        with socket.create_connection(server.address) as client:
            client.sendall(b"POST /sleep/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            for _ in range(50):
                client.sendall(b"x" * 1000)
                time.sleep(0.002)  # each piece is an event of its own
            used = _cpu(server.workers()[0])
            time.sleep(0.5)  # the processor time of half a second

            assert _cpu(server.workers()[0]) - used < 0.2
            assert ask(server.address).text == "ok"


def _cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
