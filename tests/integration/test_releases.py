"""A release directory is a link, and each reload and upgrade follows it."""

import os
import shutil
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
HELLO = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
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


@pytest.mark.parametrize("gone", ["link", "directory"])
@pytest.mark.parametrize("preload", [False, True], ids=["", "preloaded"])
def test_a_reload_without_the_directory_is_one_line_and_the_old_workers_serve(site, gone, preload):
    link = site / "current"
    settings, environ = {"preload_app": preload}, {"PWD": str(link)}
    (link / "app.py").write_text(HELLO)
    with serve("app", chdir=link, environ=environ, settings=settings) as server:
        link.unlink() if gone == "link" else shutil.rmtree(site / "first")
        server.signal(signal.SIGHUP)
        reason = f"serve on: cannot change to the directory {link}: No such file or directory"

        wait_until(lambda: reason in server.log)

        assert ask(server.address).text == "hello"
        assert "Traceback" not in server.log


def test_a_reload_does_without_the_directory_where_another_is_named(site):
    (site / "start").mkdir()
    settings = {"chdir": site / "current"}
    with serve("app", chdir=site / "start", settings=settings) as server:
        (site / "start").rmdir()
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
