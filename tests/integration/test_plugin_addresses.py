"""Addresses that plugins have for themselves, in running servers."""

import signal
import socket

import pytest
from support.command import hookserve
from support.paths import SUPPORT

from hookserve.testing import serve, wait_until

pytestmark = pytest.mark.process

FLAGS = ("--prometheus", "--status", "--health-bind", "--health-agent-bind")


def refusal(flag, address):
    """The last line of a start that is refused, which is the only one that is no log."""
    done = hookserve("-b", "127.0.0.1:0", flag, address, "applications:hello", cwd=SUPPORT)
    *others, last = done.stderr.strip().splitlines()
    assert done.returncode == 1
    assert all(each.startswith("[") for each in others)
    assert not any("booting" in each for each in others)
    return last


@pytest.mark.parametrize("flag", FLAGS)
def test_a_taken_port_refuses_the_start_and_the_line_names_the_setting(flag, taken):
    line = refusal(flag, taken)

    setting = flag.removeprefix("--").replace("-", "_")
    assert line.startswith(
        f"hookserve: {setting}: cannot listen on {taken}: address already in use"
    )
    assert line.endswith(f"choose another address with {flag})")


@pytest.mark.parametrize(
    ("flag", "address", "why"),
    [
        ("--prometheus", "shop.invalid:9000", "there is no host of that name"),
        ("--status", "unix:/no/such/folder/status", "no such file or directory"),
        ("--prometheus", "unix:/no/such/folder/metrics", "no such file or directory"),
    ],
)
def test_an_address_that_cannot_be_made_refuses_the_start(flag, address, why):
    assert f"cannot listen on {address}: {why}" in refusal(flag, address)


def test_a_reload_to_a_taken_address_is_cancelled_and_the_old_one_serves_on(tmp_path, taken):
    path, config = tmp_path / "status", tmp_path / "hookserve.conf.py"
    config.write_text(f"status = 'unix:{path}'\n")
    with serve(_app(tmp_path), chdir=tmp_path) as server:
        wait_until(lambda: "auxiliary status" in server.log)
        config.write_text(f"status = 'unix:{path},{taken}'\n")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "the reload was cancelled" in server.log)

        assert f"status: cannot listen on {taken}" in server.log
        assert server.log.count("auxiliary status") == 1
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(15) == b"HTTP/1.1 200 OK"


def test_a_port_that_a_reload_drops_is_open_in_no_worker(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    config = tmp_path / "hookserve.conf.py"
    config.write_text(f"health_bind = '{address[0]}:{address[1]}'\n")
    with serve(_app(tmp_path), chdir=tmp_path) as server:
        socket.create_connection(address, 10).close()
        config.write_text("")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded" in server.log)
        wait_until(lambda: "auxiliary health" in server.log.rpartition("reloaded")[2])

        with socket.socket() as client:
            assert client.connect_ex(address)


def _app(folder):
    (folder / "app.py").write_text("def application(environ, start_response): ...\n")
    return "app:application"
