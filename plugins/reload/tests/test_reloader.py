"""Real servers that reload when a file is saved."""

import re
import socket
import time

import pytest
from support.models import OF_WSGI

from hookserve.testing import serve, wait_until
from tests.support import web

pytestmark = pytest.mark.process


APPLICATION = """
import os
import {module}

def application(environ, start_response):
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [])
        return stream()
    if environ["PATH_INFO"] == "/late":
        import late
        body = late.NAME
    else:
        body = {module}.NAME
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body.encode()]

def stream():
    import time
    while not os.path.exists("end"):
        yield b"x"
        time.sleep(0.02)
"""


def write(path, text):
    """As an editor does: into another file, which then takes the place of the old one."""
    other = path.with_name(f".{path.name}.swp")
    other.write_text(text)
    other.replace(path)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "shop").mkdir()
    write(tmp_path / "app.py", APPLICATION.format(module="shop.names"))
    write(tmp_path / "shop/__init__.py", "")
    write(tmp_path / "shop/names.py", "NAME = 'first'")
    write(tmp_path / "late.py", "NAME = 'late'")
    return tmp_path


def reloading(site, *arguments, **options):
    return serve("app", chdir=site, arguments=["--reload", *arguments], **options)


def get(server, path="/"):
    return web.get(f"{server.url}{path}", timeout=20).text


def wait_for_generation(server, number):
    """Wait until a reload is complete and its watching process has begun."""
    wait_until(lambda: server.log.count("auxiliary reload") >= 2 * number - 1)


@pytest.mark.parametrize("worker", OF_WSGI)
def test_a_saved_module_is_served(site, worker):
    engine = "poll" if worker == "sync" else "auto"
    with reloading(site, "--reload-engine", engine, worker=worker) as server:
        assert get(server) == "first"

        write(site / "shop/names.py", "NAME = 'second'")

        wait_until(lambda: get(server) == "second")
        assert "shop/names.py changed: asking for a reload" in server.log
        assert "ERROR" not in server.log


def test_workers_load_the_application_though_it_was_to_be_preloaded(site):
    with reloading(site, "--preload") as server:
        assert get(server) == "first"
        assert "preload_app is off with reload: each worker loads the application" in server.log

        write(site / "shop/names.py", "NAME = 'second'")

        wait_until(lambda: get(server) == "second")
        assert "re-exec" not in server.log
        assert "ERROR" not in server.log


def test_a_mistake_leaves_the_old_worker_serving_and_is_shown_once(site):
    with reloading(site) as server:
        write(site / "shop/names.py", "NAME = (")
        server.wait_for("exit", lambda event: event["kind"] == "boot failed")
        wait_until(lambda: "was cancelled" in server.log)
        assert get(server) == "first"
        assert server.log.count("NAME = (\n") == 1

        # What it does not find yet is not among the modules that were ever imported.
        write(site / "shop/names.py", "from shop.other import NAME")
        server.wait_for("exit", lambda event: event["kind"] == "boot failed", count=2)
        assert get(server) == "first"

        write(site / "shop/other.py", "NAME = 'mended'")
        wait_until(lambda: get(server) == "mended")


def test_open_streams_do_not_hold_it_up(site):
    with reloading(site, worker="gthread") as server:
        streams = []
        for name in ("second", "third"):
            stream = socket.create_connection(server.address, timeout=20)
            stream.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            assert stream.recv(4096)
            streams.append(stream)
            write(site / "shop/names.py", f"NAME = {name!r}")
            wait_until(lambda name=name: get(server) == name)

        assert not [event for event in server.events if event["event"] == "exit"]
        (site / "end").touch()
        for stream in streams:
            rest = b"".join(iter(lambda stream=stream: stream.recv(65536), b""))
            assert rest.endswith(b"0\r\n\r\n")
            stream.close()


def test_a_module_that_a_request_imports_counts_too(site):
    with reloading(site) as server:
        assert get(server, "/late") == "late"

        write(site / "late.py", "NAME = 'later'")

        wait_until(lambda: get(server, "/late") == "later")


def test_the_configuration_and_extra_files_count_too(site):
    write(site / "hookserve.conf.py", "def when_ready(server): pass\n")
    write(site / "page.html", "")
    with reloading(site, "--reload-extra-file", "*.html") as server:
        write(site / "page.html", "saved")
        wait_until(lambda: "page.html changed" in server.log)
        server.wait_for("ready", count=2)
        wait_for_generation(server, 2)

        write(site / "hookserve.conf.py", "workers = (")
        wait_until(lambda: "the configuration file has a mistake" in server.log)
        assert get(server) == "first"

        write(site / "hookserve.conf.py", "raw_env = ['X=1']\n")
        server.wait_for("ready", count=3)
        assert get(server) == "first"


@pytest.mark.serial
def test_a_saved_file_is_served_300_ms_after_its_import(site):
    pytest.importorskip("watchfiles")
    with reloading(site) as server:
        assert min(seconds_to_serve(server, site, number) for number in range(3)) < 0.2 + 0.3


def seconds_to_serve(server, site, number):
    """From a save to its first response; the import takes 0.2 seconds of it."""
    wait_for_generation(server, number + 1)
    time.sleep(0.5)  # a person takes longer between two saves
    write(site / "shop/names.py", f"import time; time.sleep(0.2); NAME = '{number}'")
    began = time.monotonic()
    wait_until(lambda: get(server) == str(number))
    return time.monotonic() - began


def test_without_it_there_is_no_process(site):
    with serve("app", chdir=site) as server:
        assert get(server) == "first"

        assert not re.search("auxiliary|reload", server.log)
