"""The reload of a preloaded application, with a dry run that is never forked and no exec(2)."""

import errno
import os
import signal
import sys

import pytest
from support.descriptors import open_descriptors
from support.fake_arbiter import serving

from hookserve import AuxiliaryProcess, hookimpl
from hookserve.arbiter import reexec
from hookserve.arbiter.handles import BOOTING, READY
from hookserve.arbiter.handover import HandedAuxiliary, execute
from hookserve.errors import ConfigError
from hookserve.system.processes import Processes


class Executed(Exception):
    """In the place of exec(2): the process would not go on."""


class Watching:
    """Records the hooks of a re-exec, and raises where a test says so."""

    def __init__(self):
        self.calls = []
        self.error = None
        self.hands_over = False

    @hookimpl
    def on_reload(self):
        self.calls.append("on_reload")
        if self.error is not None:
            raise self.error

    @hookimpl
    def pre_exec(self, server):
        self.calls.append("pre_exec")
        server.environ["ADDED"] = "by a hook"

    @hookimpl
    def auxiliary_processes(self):
        return [AuxiliaryProcess("metrics", lambda: None, is_handed_over=self.hands_over)]


class Preloaded:
    """A server with a preloaded application, and what a test does to its re-exec."""

    def __init__(self, server, plugin, monkeypatch):
        self.server, self.plugin = server, plugin
        self.arbiter = server.arbiter
        self.reexec = server.arbiter.reexec
        self.arbiter.current = self.arbiter.current._replace(app=print)
        self.handovers = []
        self.error = Executed()
        monkeypatch.setattr(reexec, "execute", self._execute)

    def _execute(self, handover, directory, environ):
        self.handovers.append((handover, directory, dict(environ)))
        raise self.error

    def start(self):
        """Start a reload; the process id of its dry run."""
        self.arbiter.reload()
        (pid,) = self.reexec.pids()
        return pid

    def end_dry_run(self, pid, output=b"", status=0):
        """The dry run ends with that output and wait status."""
        os.write(self.reexec._output, output)
        self.server.processes.end(pid, status)
        self.arbiter._reap()

    def succeed(self):
        """The dry run succeeds; what is waited for has a turn."""
        self.end_dry_run(self.start())
        self.server.turn()

    def failures(self):
        """The reasons of the reloads that have failed."""
        return [reason for (reason,) in self.server.recorder.named("reload_failed")]


@pytest.fixture
def preloaded(monkeypatch):
    plugin, mask = Watching(), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with serving(workers=2, plugins=[plugin]) as server:
        yield Preloaded(server, plugin, monkeypatch)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_a_reload_of_a_preloaded_application_is_tried_in_a_dry_run_and_changes_nothing(preloaded):
    arbiter, before = preloaded.arbiter, preloaded.arbiter.current

    pid = preloaded.start()

    assert arbiter.other_children() == {pid}
    assert preloaded.reexec.is_under_way
    preloaded.server.turn()
    assert arbiter.current is before
    assert [each.state for each in arbiter.worker_table] == [READY, READY]
    assert preloaded.plugin.calls == []
    assert preloaded.handovers == []


def test_after_a_dry_run_that_succeeds_the_arbiter_is_executed_with_its_workers(preloaded):
    arbiter = preloaded.arbiter
    handles = list(arbiter.worker_table)
    pid = preloaded.start()
    preloaded.end_dry_run(pid, b"the configuration is valid\n")

    with pytest.raises(Executed):
        preloaded.server.turn()

    ((handover, directory, environ),) = preloaded.handovers
    assert preloaded.plugin.calls == ["on_reload", "pre_exec"]
    assert directory == arbiter.start.directory
    assert environ["ADDED"] == "by a hook"
    assert (handover.pid, handover.channel, handover.generation) == (arbiter.pid, -1, 1)
    assert [each.address for each in handover.listeners] == ["127.0.0.1:8000"]
    assert [each.pid for each in handover.workers] == [each.pid for each in handles]
    assert [each.channel for each in handover.workers] == [
        each.channel.fileno() for each in handles
    ]
    assert [each.scoreboard for each in handover.workers] == [0, 0]
    assert [each.fd for each in handover.scoreboards] == [handles[0].scoreboard.fd]
    assert handover.pidfile == -1
    assert preloaded.failures() == []


def test_slow_requests_that_have_ended_are_logged_before_the_next_arbiter_goes_on(preloaded):
    calls = preloaded.plugin.calls
    preloaded.arbiter.slow_requests.report_ended = lambda: calls.append("report_ended")

    with pytest.raises(Executed):
        preloaded.succeed()

    assert calls == ["on_reload", "pre_exec", "report_ended"]


def test_signals_are_held_back_until_the_next_arbiter_takes_them_over(preloaded):
    preloaded.end_dry_run(preloaded.start())

    with pytest.raises(Executed):
        preloaded.server.turn()

    assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_what_a_dry_run_has_printed_is_the_reason_of_its_failure(preloaded):
    before = open_descriptors()

    preloaded.end_dry_run(preloaded.start(), b"hookserve: cannot import shop\n  a line\n\n", 1 << 8)
    preloaded.server.turn()

    assert preloaded.failures() == ["cannot import shop\n  a line"]
    assert not preloaded.reexec.is_under_way
    assert preloaded.plugin.calls == []
    assert open_descriptors() == before


@pytest.mark.parametrize(
    ("output", "status", "expected"),
    [
        (b"", 7 << 8, "the dry run has ended: exited (7)"),
        (b"loading", signal.SIGSEGV, "the dry run has ended: killed (SIGSEGV)\nloading"),
        (b"x\nhookserve: warning: a\nhookserve: cannot\n  why\n", 1 << 8, "cannot\n  why"),
    ],
)
def test_a_dry_run_has_failed_for_its_error_or_by_how_it_ended(preloaded, output, status, expected):
    preloaded.end_dry_run(preloaded.start(), output, status)

    assert preloaded.failures() == [expected]


def test_a_dry_run_has_as_long_as_a_worker_has_to_boot(monkeypatch):
    plugin = Watching()
    with serving(workers=2, plugins=[plugin], boot_timeout=5.0) as server:
        preloaded = Preloaded(server, plugin, monkeypatch)
        pid = preloaded.start()
        due = preloaded.reexec.due(0.0)
        preloaded.reexec.step(due - 0.1)
        assert server.processes.sent_to(pid) == []

        preloaded.reexec.step(due)

        assert server.processes.sent_to(pid) == ["SIGKILL"]
        preloaded.end_dry_run(pid, b"", signal.SIGKILL)
        assert preloaded.failures() == ["the dry run was not over after 5 s (boot_timeout)"]
        assert preloaded.reexec.due(0.0) is None


def test_a_dry_run_holds_no_address_when_the_server_has_stopped(preloaded):
    pid = preloaded.start()

    preloaded.arbiter.stop()
    preloaded.server.turn()

    assert preloaded.server.processes.sent_to(pid) == ["SIGKILL"]
    preloaded.end_dry_run(pid, b"", signal.SIGKILL)
    preloaded.server.turn()
    assert preloaded.server.processes.sent_to(pid) == ["SIGKILL"]
    assert preloaded.failures() == []


def test_output_of_a_dry_run_may_be_any_bytes(preloaded):
    preloaded.end_dry_run(preloaded.start(), b"hookserve: caf\xe9", 1 << 8)

    assert preloaded.failures() == ["caf\ufffd"]


def test_a_hook_may_refuse_the_reload_after_the_dry_run(preloaded):
    preloaded.plugin.error = ConfigError("not now")

    preloaded.succeed()

    assert preloaded.failures() == ["not now"]
    assert preloaded.handovers == []
    assert not preloaded.reexec.is_under_way


def test_a_worker_that_boots_is_waited_for(preloaded):
    server = preloaded.server
    server.end(server.handle(1), status=9)
    assert server.handle(1).state == BOOTING

    preloaded.succeed()
    assert preloaded.handovers == []
    assert preloaded.reexec.is_under_way

    with pytest.raises(Executed):
        server.become_ready()
    assert len(preloaded.handovers[0][0].workers) == 2


def test_auxiliary_processes_serve_until_no_worker_boots(preloaded):
    auxiliary, server = run_auxiliary(preloaded), preloaded.server
    server.end(server.handle(1), status=9)

    preloaded.succeed()
    assert server.processes.sent_to(auxiliary) == []

    server.become_ready()
    assert server.processes.sent_to(auxiliary) == ["SIGTERM"]
    assert preloaded.handovers == []


def run_auxiliary(preloaded):
    preloaded.arbiter.auxiliaries.gather()
    preloaded.server.turn()
    (pid,) = preloaded.arbiter.auxiliaries.pids()
    return pid


def test_one_that_is_handed_over_serves_on(preloaded):
    preloaded.plugin.hands_over = True
    auxiliary = run_auxiliary(preloaded)

    with pytest.raises(Executed):
        preloaded.succeed()

    ((handover, _, _),) = preloaded.handovers
    ((_, channel),) = [(each.name, each.channel) for each in handover.auxiliaries]
    assert handover.auxiliaries == [HandedAuxiliary("metrics", auxiliary, channel)]
    assert channel in handover.descriptors()
    assert preloaded.server.processes.sent_to(auxiliary) == []


def test_auxiliary_processes_end_first(preloaded):
    auxiliary = run_auxiliary(preloaded)

    preloaded.succeed()
    assert preloaded.server.processes.sent_to(auxiliary) == ["SIGTERM"]
    assert preloaded.handovers == []

    preloaded.server.processes.end(auxiliary)
    preloaded.arbiter._reap()
    with pytest.raises(Executed):
        preloaded.server.turn()


@pytest.mark.parametrize("status", [0, 1 << 8])
def test_a_server_that_stops_meanwhile_stops(preloaded, status):
    pid = preloaded.start()
    preloaded.arbiter.stop()

    preloaded.end_dry_run(pid, b"a slip", status)
    preloaded.server.turn(seconds=1)

    assert preloaded.handovers == []
    assert preloaded.plugin.calls == []
    assert preloaded.failures() == []


def test_a_reload_during_a_dry_run_follows_when_that_has_failed(preloaded):
    pid = preloaded.start()
    preloaded.arbiter.reload()
    assert preloaded.reexec.pids() == (pid,)

    preloaded.end_dry_run(pid, b"a slip", 1 << 8)

    assert preloaded.reexec.pids() != (pid,)
    assert preloaded.reexec.is_under_way


def test_an_exec_that_fails_leaves_everything_as_it_was(preloaded, monkeypatch, tmp_path):
    auxiliary = run_auxiliary(preloaded)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    here = os.getcwd()

    def fail(*_):
        os.chdir(tmp_path)
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG), sys.executable)

    monkeypatch.setattr(reexec, "execute", fail)
    preloaded.end_dry_run(preloaded.start())
    preloaded.server.processes.end(auxiliary)
    preloaded.arbiter._reap()
    preloaded.server.turn()

    assert preloaded.failures() == [f"cannot execute {sys.executable}: Argument list too long"]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert os.getcwd() == here
    assert not preloaded.reexec.is_under_way
    assert [each.state for each in preloaded.arbiter.worker_table] == [READY, READY]
    preloaded.server.turn()
    assert len(preloaded.arbiter.auxiliaries) == 1  # another one


def test_a_dry_run_that_cannot_be_forked_is_a_failure(preloaded):
    before = open_descriptors()
    preloaded.server.processes.forks_fail = True

    preloaded.arbiter.reload()

    assert preloaded.failures() == ["cannot start the dry run: Resource temporarily unavailable"]
    assert not preloaded.reexec.is_under_way
    assert open_descriptors() == before


def test_a_dry_run_without_room_for_its_output_is_a_failure(preloaded, monkeypatch):
    def fail(*_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "memfd_create", fail)

    preloaded.arbiter.reload()

    assert preloaded.failures() == ["cannot start the dry run: Too many open files"]
    assert not preloaded.reexec.is_under_way


CHECK = """
import os, signal, sys
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
os.environ.pop("HOOKSERVE_HANDOVER")
sys.stdout.write("hookserve: ")
print(os.getcwd(), sys.argv[1:], os.environ["MODE"], os.environ.get("HOME"), blocked, flush=True)
sys.stderr.write("and more")
sys.exit(5)
"""


def run_dry(preloaded, monkeypatch, directory, executable=sys.executable):
    """Runs a dry run as a process, with `CHECK` as the command."""
    arbiter = preloaded.arbiter
    arbiter.start = arbiter.start._replace(directory=directory, environ={"MODE": "test"})
    monkeypatch.setattr(sys, "orig_argv", ["python", "-I", "-S", "-c", CHECK])
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(reexec, "execute", execute)
    arbiter.processes = Processes()
    arbiter.reload()
    (pid,) = preloaded.reexec.pids()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    preloaded.reexec.reap()
    (reason,) = preloaded.failures()
    return reason


@pytest.mark.process
def test_a_dry_run_is_the_command_with_check_config_where_and_as_it_was_started(
    preloaded, monkeypatch, tmp_path
):
    reason = run_dry(preloaded, monkeypatch, str(tmp_path))

    assert reason == f"{tmp_path} ['--check-config'] test None set()\nand more"


@pytest.mark.process
@pytest.mark.parametrize("missing", ["directory", "interpreter"])
def test_a_dry_run_that_cannot_be_executed_says_why(preloaded, monkeypatch, tmp_path, missing):
    gone = str(tmp_path / "gone")
    if missing == "directory":
        reason = run_dry(preloaded, monkeypatch, gone)
        assert reason == f"cannot change to the directory {gone}: No such file or directory"
    else:
        reason = run_dry(preloaded, monkeypatch, str(tmp_path), gone)
        assert reason == f"cannot execute {gone}: No such file or directory"
