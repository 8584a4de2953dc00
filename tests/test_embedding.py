"""Serving from a program."""

import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest

from hookserve import AppNotFound, UsageError, embedding
from hookserve.testing.server import serve_command
from hookserve.testing.waiting import wait_until

pytestmark = pytest.mark.process

PROGRAM = """
import hookserve

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"embedded"]

def post_worker_init(worker):
    open("booted", "a").write("x")

if __name__ == "__main__":
    hookserve.run(APP, bind="127.0.0.1:0", workers=2, post_worker_init=post_worker_init)
    open("over", "w").close()
"""


@pytest.mark.parametrize("app", ["application", '"program:application"'])
def test_a_program_serves_an_object_or_a_name_with_settings_and_hooks(tmp_path, app):
    (tmp_path / "program.py").write_text(PROGRAM.replace("APP", app))
    command = [sys.executable, "program.py"]
    with serve_command(command, {"HOOKSERVE_WORKERS": "1"}, tmp_path, workers=2) as server:
        assert urlopen(server.url, timeout=10).read() == b"embedded"
        assert (tmp_path / "booted").read_text() == "xx"

        server.signal(signal.SIGHUP)
        server.wait_for("exit", count=2)
        assert urlopen(server.url, timeout=10).read() == b"embedded"

        assert server.stop() == 0
        wait_until((tmp_path / "over").exists)


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        ("print, wrokers=2", "hookserve.run: 'wrokers' is not a setting (did you mean", 1),
        ("print, post_frok=print", "hookserve.run: 'post_frok' is not a setting (did you", 1),
        ("print, workers='x'", "workers (hookserve.run): expected a whole number", 1),
        ("print, config='none.py'", "cannot read the configuration file none.py (in ", 1),
        ("'none:app', bind='127.0.0.1:0'", "there is no module none to load none:app from", 4),
    ],
)
def test_a_mistake_is_one_line_and_the_exit_code_of_the_command(tmp_path, arguments, message, code):
    result = subprocess.run(
        [sys.executable, "-c", f"import hookserve; hookserve.run({arguments})"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert result.returncode == code
    assert result.stderr.splitlines()[-1].startswith(f"hookserve: {message}")
    assert "Traceback" not in result.stderr


def test_files_are_read_unless_the_program_says_otherwise(tmp_path):
    (tmp_path / "hookserve.toml").write_text("workers = 'many'\n")
    code = "from hookserve.embedding import serve; serve({'wsgi_app': ':'}, reads_files=%s)"
    results = [
        subprocess.run(
            [sys.executable, "-c", code % reads], capture_output=True, text=True, cwd=tmp_path
        )
        for reads in (True, False)
    ]

    assert "workers (hookserve.toml)" in results[0].stderr
    assert "names no module" in results[1].stderr


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--check-config"], 0, "the configuration is valid and the application can be loaded"),
        (["--print-config"], 0, "workers "),
        (["--version"], 0, "hookserve 0."),
        (["--workers", "many"], 1, "workers (command line): expected a whole number"),
    ],
)
def test_the_flags_of_a_program_are_those_of_the_command(tmp_path, arguments, code, expected):
    program = f"from hookserve.embedding import serve; serve({{}}, print, arguments={arguments})"
    result = subprocess.run(
        [sys.executable, "-c", program.replace("print,", "lambda: print,")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert result.returncode == code
    assert expected in result.stdout + result.stderr


def test_a_program_without_an_application_is_refused(tmp_path):
    program = "from hookserve.embedding import serve; serve({})"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path
    )

    assert result.returncode == 2
    assert "no application" in result.stderr


def test_the_known_settings_are_those_of_the_core_and_of_plugins():
    known = embedding.known_settings()

    assert known["workers"] == 1
    assert known["limit_request_line"] == 4094


def test_a_command_line_is_read_without_a_start():
    named, given = embedding.read_line(["--workers", "3", "no_module:make('x')"])

    assert named == "no_module:make('x')"
    assert given == {"workers": "3"}
    with pytest.raises(UsageError, match="did you mean '--workers'"):
        embedding.read_line(["--wrokers", "3"])


def test_an_application_is_loaded_by_its_name_as_on_the_command_line():
    assert embedding.load_application("builtins:print") is print
    with pytest.raises(AppNotFound):
        embedding.load_application("builtins:nothing")
