"""The fork of a worker: the arbiter's side without a process, the child's side in one each."""

import atexit
import gc
import json
import logging
import os
import select
import signal
import sys
from types import ModuleType, SimpleNamespace

import pytest
from support.descriptors import open_descriptors
from support.workers import IdleWorker, make_context

from hookserve.arbiter import child
from hookserve.arbiter.child import fork_worker, freeze_memory, privilege_dropper
from hookserve.errors import AppNotFound, BootError, ConfigError
from hookserve.system import privileges
from hookserve.system.processes import Processes
from hookserve.testing.fakes import configure
from hookserve.types import WorkerType
from hookserve.worker.channel import Message


class Reported(IdleWorker):
    """Says how it finds its process, instead of serving."""

    def __init__(self, context):
        raise ConfigError(
            json.dumps(
                {
                    "patched": list(PATCHED),
                    "MODE": os.environ.get("MODE"),
                    "wakeup": signal.set_wakeup_fd(-1),
                    "is_blocked": signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ()),
                }
            )
        )


PATCHED = []


@pytest.fixture
def models(monkeypatch):
    """The module that worker types name."""
    made = ModuleType("models_of_the_test")
    made.Reported, made.IdleWorker = Reported, IdleWorker
    made.patch = lambda: PATCHED.append("patched")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made


@pytest.fixture
def fork(models):
    """Forks a worker of the test's models; returns its handle once it is forked."""
    forked = []

    def fork(make=None, target="Reported", descriptors=(), app=None, **settings):
        context, ours = make_context(logging.getLogger("test"), **settings)
        ours.close()
        context.channel.close()
        type_ = WorkerType(
            "test", f"models_of_the_test:{target}", "", patch="models_of_the_test:patch"
        )

        def make_context_of_child(handle, channel, drop):
            atexit._clear()  # those of the test run
            if make is not None:
                make()
            return context._replace(
                channel=channel, worker_type=type_, app=app, drop_privileges=drop
            )

        handle = SimpleNamespace(config=context.config, index=0, pid=None, channel=None)
        handle.exit_code = None
        fork_worker(Processes(), handle, make_context_of_child, descriptors)
        forked.append(handle)
        return handle

    yield fork
    for handle in forked:
        handle.channel.close()
        if handle.exit_code is None:
            os.kill(handle.pid, signal.SIGKILL)
            os.waitpid(handle.pid, 0)


def messages_of(handle):
    """All that a worker says until its process ends, and how that ends."""
    handle.exit_code = os.waitstatus_to_exitcode(os.waitpid(handle.pid, 0)[1])
    found, is_open = handle.channel.read()
    assert not is_open
    return found, handle.exit_code


class Childless:
    """Forks nothing, and records the signals that are held back meanwhile."""

    def __init__(self, error=None):
        self.error = error
        self.blocked = set()

    def fork(self):
        self.blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        if self.error is not None:
            raise self.error
        return 4711


def test_a_worker_that_is_forked_has_a_pid_and_a_channel_whose_other_end_is_the_childs_alone():
    handle = SimpleNamespace(pid=None, channel=None)

    fork_worker(Childless(), handle, None, ())

    assert handle.pid == 4711
    assert handle.channel.read() == ([], False)  # there is no child that holds the other end
    handle.channel.close()


@pytest.mark.parametrize("error", [None, BlockingIOError("no more processes")], ids=repr)
def test_signals_are_held_back_during_the_fork_and_not_after_it(error):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    processes = Childless(error)
    handle = SimpleNamespace(pid=None, channel=None)
    descriptors = open_descriptors()

    try:
        fork_worker(processes, handle, None, ())
        handle.channel.close()
    except BlockingIOError:
        assert handle.channel is None

    assert {signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR2} <= processes.blocked
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert open_descriptors() == descriptors


@pytest.mark.process
def test_the_child_has_its_environment_and_is_patched_before_its_class_is_made(fork):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing)  # as the arbiter has one
    handle = fork(raw_env=["MODE=a=b"])
    signal.set_wakeup_fd(before)
    os.close(reading)
    os.close(writing)

    (message,), exit_code = messages_of(handle)

    assert exit_code == 3
    assert (message.kind, message.code) == ("boot failed", ConfigError.exit_code)
    assert json.loads(message.text) == {
        "patched": ["patched"],
        "MODE": "a=b",
        "wakeup": -1,
        "is_blocked": True,  # until its own handlers are there
    }
    assert "MODE" not in os.environ
    assert PATCHED == []


@pytest.mark.process
def test_a_preloaded_application_is_not_patched_too_late(fork):
    (message,), _ = messages_of(fork(app=print))

    assert json.loads(message.text)["patched"] == []


@pytest.mark.process
def test_the_child_holds_no_descriptor_of_the_arbiter(fork):
    reading, writing = os.pipe()
    handle = fork(target="IdleWorker", descriptors=[reading, writing], app=print)
    os.close(writing)

    is_closed, _, _ = select.select([reading], [], [], 10.0)
    assert is_closed  # nor does the child have the writing end

    os.close(reading)
    os.kill(handle.pid, signal.SIGTERM)
    found, exit_code = messages_of(handle)
    assert exit_code == 0
    assert found in ([], [Message("ready")])


def fails_with(error):
    def fail():
        raise error

    return fail


@pytest.mark.process
@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        (BootError("no\tsuch\nmodel"), "no\tsuch\nmodel", 3),
        (AppNotFound("no application"), "no application", 4),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero\n", 3),
        (SystemExit("an exit"), "SystemExit: an exit\n", 3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_child_that_cannot_become_a_worker_says_why_and_ends(fork, error, text, code):
    (message,), exit_code = messages_of(fork(fails_with(error)))

    assert message.kind == "boot failed"
    assert message.text.endswith(text)
    assert (message.text == text) is isinstance(error, BootError)  # else with the traceback
    assert message.code == code
    assert exit_code == 3


@pytest.mark.process
def test_a_signal_that_comes_at_once_finds_the_workers_handler(fork):
    # Longer than the signal takes: the child is still in the arbiter's code when it comes.
    reading, writing = os.pipe()
    handle = fork(lambda: os.read(reading, 1), target="IdleWorker", app=print)

    os.kill(handle.pid, signal.SIGTERM)
    os.write(writing, b".")

    os.close(reading)
    os.close(writing)
    assert messages_of(handle)[1] == 0


@pytest.fixture
def dropped(monkeypatch):
    """The calls of `privileges.drop`, and of umask(2), of which there are none."""
    calls = []
    monkeypatch.setattr(
        privileges, "drop", lambda uid, gid, initgroups: calls.append((uid, gid, initgroups))
    )
    monkeypatch.setattr(os, "umask", lambda mask: calls.append(oct(mask)))
    return calls


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ({}, []),
        ({"umask": "027"}, []),
        ({"umask": 0}, []),
        ({"user": "0"}, [(0, 0, False)]),
        ({"user": "987654"}, [(987654, None, False)]),
        ({"group": "7"}, [(None, 7, False)]),
        ({"user": "0", "group": "7", "initgroups": True}, [(0, 7, True)]),
        ({"user": 0, "umask": "077"}, [(0, 0, False)]),
    ],
)
def test_privileges_are_those_of_the_configuration(dropped, settings, calls):
    drop = privilege_dropper(configure(settings))
    assert dropped == []

    drop()

    assert dropped == calls


@pytest.mark.parametrize("name", ["user", "group"])
def test_an_unknown_name_is_an_error_before_anything_is_forked(dropped, name):
    with pytest.raises(ConfigError, match=f"there is no {name} 'no such one'"):
        privilege_dropper(configure({name: "no such one"}))


def test_groups_of_a_user_without_an_account_are_an_error_before_anything_is_forked(dropped):
    with pytest.raises(ConfigError, match="initgroups: user 987654 has no account"):
        privilege_dropper(configure({"user": "987654", "initgroups": True}))


def test_variables_are_set_in_order_and_a_value_may_have_an_equals_sign(monkeypatch):
    monkeypatch.setenv("HOOKSERVE_TEST", "before")

    child.set_environment(configure({"raw_env": ["HOOKSERVE_TEST=1", "HOOKSERVE_TEST=a=b,c"]}))

    assert os.environ["HOOKSERVE_TEST"] == "a=b,c"


def test_what_exists_before_the_first_fork_is_not_collected_any_more():
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        freeze_memory()

        assert gc.get_freeze_count() > 0
        assert gc.isenabled()
    finally:
        # It stays frozen, as `conftest` has it: all later tests would wait for collections.
        (gc.enable if was_enabled else gc.disable)()
