"""The life of a worker's process, in a forked child without an arbiter."""

import atexit
import logging
import os
import signal

import pytest
from support.workers import IdleWorker, application, make_context

from hookserve import hookimpl
from hookserve.testing import wait_until
from hookserve.worker import process as worker_process
from hookserve.worker.process import WorkerProcess
from hookserve.worker.scoreboard import DRAINING, GONE, READY

pytestmark = pytest.mark.process


class Child:
    """A worker's process as its arbiter sees it."""

    def __init__(self, worker_class, plugins):
        self.context, self.channel = make_context(logging.getLogger("test"), plugins=plugins)
        if plugins:
            self.context = self.context._replace(app=None)  # a plugin loads it
        self.slot = self.context.slot
        self.pid = os.fork()
        if self.pid == 0:
            try:
                atexit._clear()
                self.channel.close()
                process = WorkerProcess(worker_class(self.context))
                process.install_signals()
                process.run_to_end()
            finally:
                os._exit(99)
        self.context.channel.close()

    def wait_until_ready(self):
        """Until the arbiter is told so, which comes last."""
        wait_until(lambda: [each.kind for each in self.channel.read()[0]] == ["ready"])
        assert self.slot.state == READY

    def wait(self):
        """The exit code."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def start():
    children = []

    def start(worker_class=IdleWorker, plugins=()):
        children.append(Child(worker_class, plugins))
        return children[-1]

    yield start
    for child in children:
        child.channel.close()  # an orphaned worker ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_worker_is_ready_until_it_is_told_to_stop(start, number):
    child = start()
    child.wait_until_ready()

    os.kill(child.pid, number)

    assert child.wait() == 0
    assert child.slot.state == GONE


class HeldUp:
    """A plugin one of whose steps waits for a byte from the test."""

    def __init__(self, step, descriptor):
        self._step, self._descriptor = step, descriptor

    def _take(self, step):
        if step == self._step:
            os.read(self._descriptor, 1)

    @hookimpl
    def post_fork(self):
        self._take("post_fork")

    @hookimpl(tryfirst=True)
    def load_app(self):
        self._take("load_app")
        return application

    @hookimpl
    def post_worker_init(self):
        self._take("post_worker_init")


STEPS = ("post_fork", "load_app", "post_worker_init")


@pytest.mark.parametrize("step", STEPS)
def test_readiness_is_reported_after_every_step_of_the_boot(start, step):
    """Not before: a request that comes then would wait for the boot, or be lost with it."""
    reading, writing = os.pipe()
    child = start(plugins=[HeldUp(step, reading)])
    wait_until(lambda: child.slot.heartbeat > 0)
    assert child.slot.state != READY
    assert child.channel.read()[0] == []

    os.write(writing, b"x")

    child.wait_until_ready()
    for end in (reading, writing):
        os.close(end)


def test_a_worker_stops_when_a_library_has_taken_the_wakeup_descriptor(start):
    reading, writing = os.pipe()

    class Taken(IdleWorker):
        def run(self):
            signal.set_wakeup_fd(-1)
            assert self.alive
            self.notify()
            os.write(writing, b"x")
            self.wait_for_signals(3600.0)
            if not self.alive:
                self.exit_code = 7

    child = start(Taken)
    os.read(reading, 1)

    os.kill(child.pid, signal.SIGTERM)

    assert child.wait() == 7
    for end in (reading, writing):
        os.close(end)


def test_a_worker_ends_when_its_arbiter_is_gone(start):
    child = start()
    child.wait_until_ready()

    child.channel.close()

    assert child.wait() == 0


def test_messages_of_the_arbiter_reach_the_worker(start):
    class Notified(IdleWorker):
        def run(self):
            while self.keeps_connections:
                self.wait_for_signals(10.0)
            self.exit_code = 8

    child = start(Notified)
    child.wait_until_ready()

    child.channel.send("drain delay")

    assert child.wait() == 8


def test_an_error_of_the_model_is_exit_code_1(start):
    class Broken(IdleWorker):
        def run(self):
            raise RuntimeError("of the test")

    assert start(Broken).wait() == 1


def test_abort_ends_a_worker_whose_loop_does_not_return(start):
    class Stuck(IdleWorker):
        def run(self):
            while True:
                pass

    child = start(Stuck)
    child.wait_until_ready()

    os.kill(child.pid, signal.SIGABRT)

    assert child.wait() == 1
    assert child.slot.state == GONE


class Saying(IdleWorker):
    """Its exit code says whether the stop of the server was announced when it began to drain."""

    def drain(self, deadline):
        self.exit_code = 5 if self.context.scoreboard.is_stopping else 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_worker_that_a_signal_stops_first_waits_for_its_arbiter(start, monkeypatch, number):
    """The same signal may be on its way to the arbiter: the queue is this worker's then."""
    monkeypatch.setattr(worker_process, "_ARBITER_TIME", 60.0)
    child = start(Saying)
    child.wait_until_ready()
    os.kill(child.pid, number)
    wait_until(lambda: child.slot.state == DRAINING)

    child.context.scoreboard.announce_stop()
    os.kill(child.pid, number)  # as the arbiter does then

    assert child.wait() == 5


def test_a_worker_that_its_arbiter_retires_waits_for_nothing(start, monkeypatch):
    monkeypatch.setattr(worker_process, "_ARBITER_TIME", 60.0)
    child = start(Saying)
    child.wait_until_ready()

    child.channel.send("retire")
    os.kill(child.pid, signal.SIGTERM)

    assert child.wait() == 6


def test_a_worker_waits_for_its_arbiter_for_a_moment_only(start, monkeypatch):
    monkeypatch.setattr(worker_process, "_ARBITER_TIME", 0.05)
    child = start(Saying)
    child.wait_until_ready()

    os.kill(child.pid, signal.SIGTERM)

    assert child.wait() == 6


def test_a_worker_that_waits_for_its_arbiter_ends_when_that_is_gone(start, monkeypatch):
    monkeypatch.setattr(worker_process, "_ARBITER_TIME", 60.0)
    child = start(Saying)
    child.wait_until_ready()
    os.kill(child.pid, signal.SIGTERM)
    wait_until(lambda: child.slot.state == DRAINING)

    child.channel.close()

    assert child.wait() == 6
