"""A release directory is a link, and each reload and upgrade follows it."""

import os
import signal

import pytest

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask

APPLICATION = """
import os
import sys

import version

try:
    import only_in_the_first
except ImportError:
    only_in_the_first = None

def application(environ, start_response):
    stale = [each for each in sys.path if each.endswith("/first")]
    body = f"{version.NAME} {os.path.basename(os.getcwd())} {stale} {only_in_the_first}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
SECOND = "second second [] None"


@pytest.fixture
def site(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(APPLICATION)
        (tmp_path / name / "version.py").write_text(f"NAME = {name!r}\n")
    (tmp_path / "first" / "only_in_the_first.py").touch()
    (tmp_path / "current").symlink_to("first")
    return tmp_path


def deploy(site):
    (site / "next").symlink_to("second")
    (site / "next").rename(site / "current")


@pytest.mark.parametrize("way", ["PWD", "chdir"])
@pytest.mark.parametrize("preload", [False, True], ids=["", "preloaded"])
def test_a_reload_serves_the_release_that_the_link_names(site, way, preload):
    link = site / "current"
    settings = {"preload_app": preload, **({"chdir": link} if way == "chdir" else {})}
    directory = site if way == "chdir" else link
    environ = {"PWD": str(directory)}
    with serve("app", chdir=directory, environ=environ, settings=settings) as server:
        assert ask(server.address).text.startswith("first first ['")
        deploy(site)
        server.signal(signal.SIGHUP)
        server.wait_for("exit")

        assert ask(server.address).text == SECOND


def test_an_upgrade_serves_the_release_that_the_link_names(site):
    link = site / "current"
    settings = {"pidfile": site / "pid"}
    with serve("app", chdir=link, environ={"PWD": str(link)}, settings=settings) as server:
        deploy(site)
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor serves" in server.log)
        successor = int((site / "pid.2").read_text())
        server.signal(signal.SIGTERM)
        assert server.wait() == 0

        assert ask(server.address).text == SECOND
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not (site / "pid").exists())
