"""The command, as an operator types it."""

import json
import re

import pytest
from support.command import hookserve
from support.processes import is_alive

from hookserve.testing.waiting import wait_until

pytestmark = pytest.mark.process

APPLICATION = """
import socket, threading, time
{}
def application(environ, start_response):
    raise AssertionError("it is not called")
"""
OPENS = """
KEPT = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
KEPT.connect(("127.0.0.1", 9))
threading.Thread(target=time.sleep, args=(60,), daemon=True, name="refresher").start()
socket.socket().close()
print("loaded")
"""
PAIR = """
KEPT = socket.socketpair()
"""
DRIVER = """
import sysconfig
DRIVER = {"__name__": "driver", "socket": socket}
FILE = sysconfig.get_path("purelib") + "/driver.py"
exec(compile("def connect():\\n return socket.socket()", FILE, "exec"), DRIVER)
KEPT = DRIVER["connect"]()
"""
ACCEPTS = """
LISTENING = socket.socket(socket.AF_UNIX)
LISTENING.bind("accepts.socket")
LISTENING.listen()
CLIENT = socket.socket(socket.AF_UNIX)
CLIENT.connect("accepts.socket")
KEPT, _ = LISTENING.accept()
LISTENING.close()
CLIENT.close()
"""
LISTENS = """
KEPT = socket.create_server(("127.0.0.1", 0))
"""
SLEEPS = """
import subprocess
SLEEPER = subprocess.Popen(["sleep", "1000"])
open("sleeper", "w").write(str(SLEEPER.pid))
time.sleep(1000)
"""
EXITS = """
import multiprocessing, os
multiprocessing.get_context("fork").Process(target=int).start()
time.sleep(0.2)
os._exit(7)
"""
CRASHES = """
import ctypes
ctypes.string_at(0)
"""
ENDS = """
import ctypes
ctypes.CDLL(None)._exit(7)
"""
LEAVES = """
import os
if os.fork() == 0:
    time.sleep(1000)
"""
PLUGIN = """
from hookserve import Diagnosis, hookimpl

@hookimpl
def diagnoses(config):
    yield Diagnosis("note", "moon", "it is full", "wait")
    raise RuntimeError("of the plugin's making")
"""
SILENT = ("--health-bind", "127.0.0.1:8001", "-w", "1")


def diagnose(site, *arguments, **environ):
    """The exit code, and the findings by subject."""
    done = hookserve("doctor", "--json", *arguments, cwd=site, **environ)
    assert done.stderr == "" or "loaded" in done.stderr, done.stderr
    return done.returncode, {each["subject"]: each for each in json.loads(done.stdout)}


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION.format(""))
    (tmp_path / "opens.py").write_text(APPLICATION.format(OPENS))
    (tmp_path / "moon.py").write_text(PLUGIN)
    return tmp_path


def test_what_a_preloaded_application_leaves_open_is_named_with_its_maker(site):
    code, found = diagnose(site, *SILENT, "--preload", "opens")

    assert code == 5
    assert found["thread before the fork"]["text"].startswith("refresher, started by opens (")
    socket_line = found["socket before the fork"]["text"]
    assert socket_line.startswith("to ('127.0.0.1', 9), made by opens (")
    assert found["socket before the fork"]["remedy"]


def test_a_listening_socket_is_named_by_its_address(site):
    (site / "listens.py").write_text(APPLICATION.format(LISTENS))

    found = diagnose(site, *SILENT, "--preload", "listens")[1]

    line = found["socket before the fork"]["text"]
    assert line.startswith("listening on ('127.0.0.1', "), line


@pytest.mark.parametrize(
    ("source", "text"),
    [(PAIR, r"descriptor \d+, one of a pair, made by"), (ACCEPTS, "accepted on accepts.socket, ")],
)
def test_a_unix_socket_whose_peer_has_no_name_is_named_by_what_it_is(site, source, text):
    (site / "unnamed.py").write_text(APPLICATION.format(source))

    line = diagnose(site, *SILENT, "--preload", "unnamed")[1]["socket before the fork"]["text"]

    assert re.match(text, line), line


def test_an_application_that_opens_nothing_may_be_preloaded(site):
    found = diagnose(site, *SILENT, "--preload", "app")[1]

    assert found["preload"]["level"] == "ok"


def test_an_application_that_is_not_preloaded_is_not_loaded(site):
    assert "preload" not in diagnose(site, *SILENT, "opens")[1]


def test_a_preloaded_application_that_cannot_be_loaded_is_a_warning(site):
    code, found = diagnose(site, *SILENT, "--preload", "nowhere")

    assert code == 5
    assert "nowhere" in found["preload"]["text"]


def load(site, source, *arguments):
    """What doctor says of a preloaded application that does this when it is imported."""
    (site / "loads.py").write_text(APPLICATION.format(source))
    code, found = diagnose(site, *SILENT, *arguments, "--preload", "loads")
    assert "accept queue" in found
    assert code == {"ok": 0, "warning": 5}[found["preload"]["level"]]
    return found["preload"]


def test_an_application_that_hangs_when_it_is_imported_is_ended_and_named_with_its_line(site):
    found = load(site, SLEEPS, "--boot-timeout", "1.5")

    place = site / "loads.py"
    assert found["text"] == (
        f"the application was not loaded within 1.5 s (boot_timeout): it was at {place}:7"
    )
    assert found["remedy"].endswith("; if it may take longer, raise boot_timeout")
    sleeper = int((site / "sleeper").read_text())
    wait_until(lambda: not is_alive(sleeper), 5)  # what it has started ends with it


def test_an_import_that_fails_is_one_line(site):
    found = load(site, "import no_such_library")

    assert found["text"] == (
        "the application cannot be loaded: ModuleNotFoundError: No module named 'no_such_library'"
        f" at {site}/loads.py:3"
    )


def test_a_process_that_the_application_leaves_is_not_waited_for(site):
    assert load(site, LEAVES)["level"] == "ok"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            EXITS,
            "cannot be loaded: os._exit(7) ended its process, called by loads ({site}/loads.py:7)",
        ),
        (ENDS, "ended the process that loaded it, with exit code 7"),
        (
            CRASHES,
            "cannot be loaded: signal 11 ended its process (Segmentation fault)"
            " at {site}/loads.py:5",
        ),
    ],
)
def test_an_application_that_ends_its_process_is_named_with_how(site, source, text):
    found = load(site, source)

    assert found["text"] == f"the application {text.format(site=site)}"
    assert "--check-config" not in found["remedy"]  # it would end silently too


def test_the_configuration_is_that_of_a_start(site):
    (site / "hookserve.conf.py").write_text("behind = 'nginx'\nkeepalive = 5\n")

    code, found = diagnose(site, *SILENT, "app")

    assert code == 5
    assert found["keep-alive"]["level"] == "warning"
    assert "65 s" in found["keep-alive"]["remedy"]


def test_a_platform_that_sends_kill_too_early_is_named(site):
    stop = diagnose(site, *SILENT, "app", KUBERNETES_SERVICE_HOST="10.0.0.1")[1]["stop"]
    assert stop["level"] == "warning"
    assert "KILL after 30 s" in stop["text"]

    arguments = (*SILENT, "--behind", "kubernetes", "app")
    assert diagnose(site, *arguments, KUBERNETES_SERVICE_HOST="1")[1]["stop"]["level"] == "ok"


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["-k", "nosuch"], 1, "nosuch"),
        (["--certfile", "nowhere.pem"], 1, "nowhere.pem"),
        (["-b", "nohost.invalid:80"], 1, "nohost.invalid"),
        (["--user", "nobody-of-that-name"], 1, "nobody-of-that-name"),
    ],
)
def test_a_configuration_with_which_no_server_starts_is_one_line_as_at_a_start(
    site, flags, code, message
):
    done = hookserve("doctor", "--json", *flags, "app", cwd=site)
    start = hookserve("--check-config", *flags, "app", cwd=site)

    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert done.stderr == start.stderr


def test_what_a_start_warns_of_is_a_finding(site):
    code, found = diagnose(site, *SILENT, "--threads", "8", "-k", "epoll", "app")

    assert code == 5
    assert found["settings"]["text"].startswith("threads (command line): the worker epoll does not")
    assert found["settings"]["remedy"]


def test_trust_in_every_client_by_the_proxy_protocol_is_a_finding_once(site):
    flags = ("--proxy-protocol", "v2", "--proxy-allow-ips")
    done = hookserve("doctor", "--json", *SILENT, *flags, "*", "app", cwd=site)
    warnings = [each for each in json.loads(done.stdout) if each["level"] == "warning"]
    assert [each["subject"] for each in warnings] == ["trust"]
    assert warnings[0]["remedy"] == "name the addresses or networks of the proxies"

    assert diagnose(site, *SILENT, *flags, "10.0.0.1", "app")[0] == 0


def test_a_level_that_there_is_not_is_the_plugins_fault(site):
    (site / "hookserve.conf.py").write_text(
        "from hookserve import Diagnosis, hookimpl\n"
        "@hookimpl\ndef diagnoses(config):\n    return [Diagnosis('fatal', 'moon', 'it is full')]"
    )

    code, found = diagnose(site, *SILENT, "app")

    (finding,) = [each for subject, each in found.items() if subject.startswith("plugin ")]
    assert finding["text"] == (
        "its checks returned the level 'fatal', not ok, note or warning: it is full"
    )
    assert finding["remedy"] == "mend it"
    assert code == 5


def test_the_module_that_has_an_installed_one_open_a_socket_is_named_too(site):
    (site / "client.py").write_text(APPLICATION.format(DRIVER))

    line = diagnose(site, *SILENT, "--preload", "client")[1]["socket before the fork"]["text"]

    assert re.search(r"made by driver \(.*/driver.py:2\), called by client \(.*:8\)$", line)


def test_a_plugin_adds_its_own_and_one_that_raises_is_a_finding(site):
    code, found = diagnose(site, *SILENT, "-P", "moon", "app", PYTHONPATH=str(site))

    assert found["moon"]["remedy"] == "wait"
    assert "of the plugin's making" in found["plugin moon"]["text"]
    assert code == 5


def test_the_text_has_the_worst_first_with_its_remedy(site):
    done = hookserve("doctor", "-w", "1000", "app", cwd=site)

    lines = done.stdout.splitlines()
    assert done.returncode == 5
    assert lines[0].startswith("warning")
    assert lines[1].startswith("         → ")
    assert lines[-1].endswith("warning") or lines[-1].endswith("warnings")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_says_how_it_is_called(site, flag):
    done = hookserve("doctor", flag, cwd=site)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: hookserve doctor [settings] [APP] [--json]\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["app", "other", "another"], 2, "unexpected word 'other'"),
        (["--bogus", "app:application"], 2, "unexpected word '--bogus'"),
        (["--jsn"], 2, "unexpected word '--jsn'"),
        (["--timeout", "soon"], 1, "timeout (command line)"),
    ],
)
def test_a_wrong_command_line_is_one_line(site, arguments, code, message):
    done = hookserve("doctor", *arguments, cwd=site)

    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
