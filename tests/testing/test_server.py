"""The server of the tests is tested too."""

import os
import subprocess
import sys

import pytest

from hookserve.testing import Server, ServerFailed, serve
from hookserve.testing.bridge import specification_of
from tests.support import web


def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


class Group:
    @staticmethod
    def inner(environ, start_response):
        return application(environ, start_response)


def test_an_application_object_is_served():
    with serve(application) as server:
        assert web.get(server.url).text == "ok"
        assert list(server.workers()) == [0]


def test_an_attribute_of_a_class_is_served():
    with serve(Group.inner) as server:
        assert web.get(server.url).text == "ok"


def test_what_has_no_name_in_a_file_is_refused():
    with pytest.raises(ValueError, match="not defined by name"):
        specification_of(lambda environ, start_response: [])


def test_a_server_that_does_not_come_up_shows_its_log():
    with pytest.raises(ServerFailed, match="there is no module nothere"):
        with serve("nothere"):
            pass


def test_the_server_is_stopped_at_the_end():
    with serve(application) as server:
        pass

    assert server.process.returncode == 0


def test_settings_become_flags(tmp_path):
    settings = {"pidfile": tmp_path / "pid", "sendfile": False, "preload_app": True}
    with serve(application, settings=settings, python=sys.executable):
        assert (tmp_path / "pid").exists()


def test_a_server_that_says_more_than_a_pipe_holds_ends(tmp_path):
    receiving, sending = os.pipe()
    program = 'for _ in range(40000): print(\'{"event": "hook"}\')'
    process = subprocess.Popen([sys.executable, "-c", program], stdout=sending)
    os.close(sending)
    server = Server(process, receiving, tmp_path / "log")

    assert server.wait(timeout=10) == 0
    assert len(server.events) == 40000
    os.close(receiving)
