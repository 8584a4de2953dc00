"""What an application writes to ``wsgi.errors`` is where the errors are."""

import logging
import os

import pytest
from hookserve_logging.errorlog import ReopeningHandler
from hookserve_logging.wsgi_errors import ErrorStream

from hookserve.testing import serve
from hookserve.testing.contract.client import ask


def application(environ, start_response):
    print("the application says", file=environ["wsgi.errors"])
    environ["wsgi.errors"].writelines(["one ", "two\n"])
    environ["wsgi.errors"].flush()
    start_response("200 OK", [("Content-Length", "0")])
    return []


@pytest.mark.process
@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_it_goes_to_the_file_of_the_error_log(tmp_path, worker):
    settings = {"error_logfile": tmp_path / "errors"}
    with serve(application, worker=worker, settings=settings) as server:
        ask(server.address)

        text = (tmp_path / "errors").read_text()

        assert "the application says" not in server.log
    assert "the application says\none two\n" in text


@pytest.mark.process
def test_a_log_of_objects_gets_no_text(tmp_path):
    settings = {"error_logfile": tmp_path / "errors", "error_log_format": "json"}
    with serve(application, settings=settings) as server:
        ask(server.address)

        assert "the application says\n" in server.log
        assert "the application says" not in (tmp_path / "errors").read_text()


def test_it_follows_a_file_that_is_opened_again(tmp_path):
    path = tmp_path / "errors"
    handler = ReopeningHandler(str(path))
    stream = ErrorStream(handler)
    stream.write("before\n")
    path.rename(tmp_path / "old")
    handler.reopen()

    print("after", file=stream)

    handler.close_file()
    assert (tmp_path / "old").read_text() == "before\n"
    assert path.read_text() == "after\n"


def test_a_full_disk_raises_nothing():
    handler = logging.StreamHandler(open("/dev/full", "w"))

    assert ErrorStream(handler).write("lost") == 4
    with pytest.raises(OSError, match=os.strerror(28)):
        handler.stream.close()
