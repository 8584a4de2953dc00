"""The command ``hookserve ctl``: its words."""

import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hookserve_status.client import Refused, Unreachable
from hookserve_status.ctl import run

from hookserve import UsageError


@pytest.mark.parametrize(
    "words",
    [["-a", "ADDRESS", "status"], ["status", "-a", "ADDRESS"], ["recycle", "-a", "ADDRESS", "0"]],
)
def test_the_address_stands_before_the_command_or_behind_it(tmp_path, words):
    address = f"unix:{tmp_path}/none"

    with pytest.raises(Unreachable, match="none"):
        run([address if word == "ADDRESS" else word for word in words])


class Other(BaseHTTPRequestHandler):
    """An application, which knows no status."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Hello, world!\n")

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    "words", [["status"], ["requests"], ["reload", "--wait"], ["scale", "3"], ["stacks", "0"]]
)
def test_what_responds_and_is_no_status_is_said_to_be_none(words, capsys):
    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(Unreachable, match="is not the status of a server"):
            run(["-a", f"127.0.0.1:{server.server_port}", *words])
        thread.join()

    assert not capsys.readouterr().out


class Terminal(io.StringIO):
    """Standard input that is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize("words", [["scale", "0"], ["drain"]])
def test_what_ends_the_service_is_asked_about_at_a_terminal(tmp_path, monkeypatch, capsys, words):
    address = ["-a", f"unix:{tmp_path}/none"]
    monkeypatch.setattr(sys, "stdin", Terminal("n\ny\n"))

    with pytest.raises(Refused, match="nothing is done"):
        run([*address, *words])
    assert capsys.readouterr().out.endswith("? (y/n) ")
    with pytest.raises(Unreachable):
        run([*address, *words])
    with pytest.raises(Unreachable):
        run([*address, *words, "--yes"])  # there is nothing left to read


class Garbled(Terminal):
    """A terminal whose line is no text."""

    def readline(self, *_):
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


@pytest.mark.parametrize("terminal", [Terminal(""), Garbled()])
def test_the_end_of_the_input_is_no_yes(tmp_path, monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys, "stdin", terminal)

    with pytest.raises(Refused, match="nothing is done"):
        run(["-a", f"unix:{tmp_path}/none", "drain"])
    assert capsys.readouterr().out.endswith("? (y/n) \n")


def test_without_a_terminal_no_worker_is_wanted_on_purpose_alone(tmp_path, monkeypatch):
    address = ["-a", f"unix:{tmp_path}/none"]
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    with pytest.raises(UsageError, match=r"if you mean that, type hookserve ctl scale 0 --yes$"):
        run([*address, "scale", "0"])
    for words in (["scale", "0", "--yes"], ["scale", "1"], ["drain"]):
        with pytest.raises(Unreachable):
            run([*address, *words])
