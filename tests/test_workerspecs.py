"""The hooks of worker processes, in their order, and what a failure of each does."""

import atexit
import logging
import os
import signal

import pytest
from support.workers import IdleWorker, make_context

from hookserve import hookimpl
from hookserve.errors import HookError
from hookserve.plugins import calling
from hookserve.worker.process import WorkerProcess


class Life:
    """Writes the name of each hook of a worker's life to a pipe; one of them raises."""

    def __init__(self, failing=""):
        self._reading, self._writing = os.pipe()
        self._failing = failing

    def record(self, name):
        os.write(self._writing, f"{name}\n".encode())
        if name == self._failing:
            raise ValueError("a slip")

    def names(self):
        """What was called, once the process is gone."""
        os.close(self._writing)
        with open(self._reading) as found:
            return found.read().split()

    @hookimpl
    def post_fork(self, server, worker):
        assert server is worker.server
        self.record("post_fork")

    @hookimpl
    def post_worker_init(self, worker):
        assert worker.app is not None
        self.record("post_worker_init")

    @hookimpl
    def worker_draining(self, worker):
        self.record("worker_draining")

    @hookimpl
    def worker_int(self, worker):
        self.record("worker_int")

    @hookimpl
    def worker_abort(self, worker):
        self.record("worker_abort")

    @hookimpl
    def worker_exit(self, server, worker):
        assert server is worker.server
        self.record("worker_exit")


class Signalled(IdleWorker):
    """Gets a signal as soon as it serves."""

    number = signal.SIGTERM

    def run(self):
        signal.raise_signal(self.number)


def live(life, number=signal.SIGTERM):
    """A worker's whole life, in a child: the hooks called, its messages, and its exit code."""
    context, channel = make_context(logging.getLogger("test"), plugins=[life])
    pid = os.fork()
    if pid == 0:
        try:
            atexit._clear()
            Signalled.number = number
            process = WorkerProcess(Signalled(context))
            process.install_signals()
            process.run_to_end()
        finally:
            os._exit(99)
    context.channel.close()
    exit_code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    messages, _ = channel.read()
    channel.close()
    return life.names(), messages, exit_code


BEGIN = ["post_fork", "post_worker_init"]
END = ["worker_draining", "worker_exit"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("number", "names", "code"),
    [
        (signal.SIGTERM, [*BEGIN, *END], 0),
        (signal.SIGINT, [*BEGIN, "worker_draining", "worker_int", "worker_exit"], 0),
        (signal.SIGABRT, [*BEGIN, "worker_abort", "worker_exit"], 1),
    ],
    ids=["TERM", "INT", "ABRT"],
)
def test_the_hooks_of_a_life_are_called_in_order(number, names, code):
    found, (message,), exit_code = live(Life(), number)

    assert found == names
    assert message.kind == "ready"
    assert exit_code == code


@pytest.mark.process
@pytest.mark.parametrize("hook", BEGIN)
def test_a_hook_that_raises_before_the_worker_is_ready_fails_the_boot(hook):
    found, (message,), exit_code = live(Life(hook))

    assert found == [*BEGIN[: BEGIN.index(hook) + 1], "worker_exit"]
    assert message.kind == "boot failed"
    assert f"raised in {hook}: ValueError: a slip" in message.text
    assert (message.code, exit_code) == (3, 3)


@pytest.mark.process
@pytest.mark.parametrize("hook", END)
def test_a_hook_that_raises_at_the_end_does_not_hold_it_up(hook):
    found, _, exit_code = live(Life(hook))

    assert found == [*BEGIN, *END]
    assert exit_code == 0


class Request:
    """Records the hooks of requests and of loggers; each raises."""

    def __init__(self):
        self.calls = []

    def fail(self, name):
        self.calls.append(name)
        raise ValueError("a slip")

    @hookimpl
    def pre_request(self):
        self.fail("pre_request")

    @hookimpl
    def post_request(self):
        self.fail("post_request")

    @hookimpl
    def log_access(self):
        self.fail("log_access")

    @hookimpl
    def worker_idle(self):
        self.fail("worker_idle")

    @hookimpl
    def reopen_logs(self):
        self.fail("reopen_logs")

    @hookimpl
    def install_logs(self):
        self.fail("install_logs")


@pytest.fixture
def prepared():
    """A worker that is ready, and the two plugins that it has."""
    plugins = Request(), Request()
    context, ours = make_context(logging.getLogger("test"), plugins=plugins)
    worker = IdleWorker(context)
    worker.prepare(context.app)
    yield worker, plugins
    ours.close()
    context.channel.close()


CALLS = {
    "pre_request": lambda worker: [each(worker, None, {}) for each in worker.pre_request],
    "post_request": lambda worker: [each(worker, None, {}, None) for each in worker.post_request],
    "log_access": lambda worker: [each(None) for each in worker.log_access],
    "worker_idle": lambda worker: [each(worker) for each in worker.idle_listeners],
    "reopen_logs": lambda worker: (worker.reopen_logs(), worker.process_signals()),
}


@pytest.mark.parametrize("hook", CALLS)
def test_a_hook_that_raises_while_serving_is_logged_and_the_others_run(prepared, caplog, hook):
    worker, plugins = prepared

    CALLS[hook](worker)

    assert [plugin.calls for plugin in plugins] == [[hook], [hook]]
    assert caplog.text.count(f"raised in {hook}: ValueError: a slip") == 2


@pytest.mark.parametrize("hook", list(CALLS)[:-1])
def test_a_plugin_that_comes_when_the_worker_is_ready_is_not_seen(prepared, hook):
    worker, _ = prepared
    late = Request()
    worker.context.host.register(late, "late")

    CALLS[hook](worker)

    assert late.calls == []


def test_a_logger_that_cannot_be_installed_stops_what_installs_it(prepared):
    worker, plugins = prepared

    with pytest.raises(HookError, match="raised in install_logs: ValueError: a slip"):
        calling.fire(worker.context.host.hook.install_logs)

    assert sum(len(plugin.calls) for plugin in plugins) == 1
