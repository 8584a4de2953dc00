"""A plugin that is installed and off costs a start nothing, or its entry module where it has to be
asked at each start; and a request nothing."""

import socket
import subprocess
import sys

import pytest
from support.sockets import read_to_end

from hookserve.plugins.discovery import discover
from hookserve.testing import wait_until

IN_USE = ("hookserve_http.", "hookserve_sync.", "hookserve_logging.")
OF_EACH_CONFIGURATION = {
    f"hookserve_gunicorn.{name}" for name in ("aliases", "derivation", "foreign", "translation")
}
"""gunicorn's names mean something in each."""
OF_PLUGINS = {"asyncio", "email", "hashlib", "json", "ssl", "subprocess"}
REPORT = """
import sys
from hookserve import hookimpl

workers = []


@hookimpl
def post_worker_init(worker):
    workers.append(worker)


def application(environ, start_response):
    (worker,) = workers
    hooks = ("pre_request", "post_request", "log_access", "idle_listeners")
    used = [name for name in hooks if getattr(worker, name)]
    start_response("200 OK", [])
    return ["\\n".join([*sys.modules, *used]).encode()]
"""


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The modules of a worker, and which of its lists of hooks are not empty."""
    folder = tmp_path_factory.mktemp("off")
    (folder / "reporting.py").write_text(REPORT)
    # Not by `hookserve.testing.serve`, whose own plugin imports more.
    command = [sys.executable, "-m", "hookserve", "-P", "reporting", "-b", "unix:socket"]
    with subprocess.Popen([*command, "reporting:application"], cwd=folder) as process:
        try:
            wait_until((folder / "socket").exists)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(folder / "socket"))
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return set(read_to_end(client).decode().partition("\r\n\r\n")[2].split())
        finally:
            process.terminate()


@pytest.mark.process
def test_nothing_is_imported_of_a_plugin_that_is_loaded_on_demand(reported):
    on_demand = {each.module for each in discover() if each.is_on_demand}

    assert on_demand >= {"hookserve_health", "hookserve_status", "hookserve_opentelemetry"}
    assert sorted(on_demand & reported) == []


@pytest.mark.process
def test_only_the_entry_module_of_a_plugin_that_is_off_is_imported(reported):
    entries = {each.module for each in discover() if not each.is_on_demand}
    of_plugins = {name for name in reported if name.startswith("hookserve_")}

    assert entries >= {"hookserve_tls", "hookserve_reload"}
    assert not {
        name for name in of_plugins - entries - OF_EACH_CONFIGURATION if not name.startswith(IN_USE)
    }


@pytest.mark.process
def test_no_module_of_the_standard_library_is_there_for_a_plugin_that_is_off(reported):
    assert sorted(OF_PLUGINS & reported) == []


@pytest.mark.process
def test_no_hook_of_a_plugin_that_is_off_is_called_for_a_request(reported):
    assert not {"pre_request", "post_request", "log_access", "idle_listeners"} & reported
