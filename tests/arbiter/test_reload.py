"""A reload as a transaction, with children that are never forked."""

import logging
import os
import sys

import pytest
from support.fake_arbiter import FakeListener, make_assembly, serving

from hookserve import AuxiliaryProcess, hookimpl
from hookserve.arbiter.generation import Generation
from hookserve.arbiter.handles import BOOTING, DRAINING, READY
from hookserve.errors import ConfigError, ListenError


class Listeners:
    """Opens listeners that have no socket."""

    def __init__(self, *addresses):
        self._addresses = addresses
        self.opened = []

    @hookimpl(tryfirst=True)
    def open_listeners(self, inherited):
        known = {each.address: each for each in inherited}
        self.opened = [FakeListener(each) for each in self._addresses if each not in known]
        return [known[each] for each in self._addresses if each in known] + self.opened


SAME = "127.0.0.1:8000"


def assembly(server, *addresses, plugins=(), **settings):
    listeners = Listeners(*(addresses or (SAME,)))
    made = make_assembly(server.recorder, [listeners, *plugins], **settings)
    server.next_assembly = made
    return listeners


def test_a_reload_commits_one_generation_and_replaces_every_worker():
    with serving(workers=2) as server:
        arbiter = server.arbiter
        old = list(arbiter.worker_table)
        assembly(server, workers=2)

        arbiter.reload()
        assert (arbiter.generation, arbiter.previous.number) == (2, 1)
        server.turn()
        canary = server.handle(0)
        assert (canary.state, canary.generation) == (BOOTING, 2)
        assert [each.state for each in old] == [READY, READY]

        server.become_ready()
        assert old[0].state == DRAINING
        server.become_ready()
        assert old[1].state == DRAINING

        assert arbiter.previous is None
        assert server.recorder.named("reloaded") == [()]
        assert server.recorder.named("retired") == [()]


def test_a_refused_reload_leaves_everything_as_it_was():
    with serving(workers=2) as server:
        arbiter, before = server.arbiter, server.arbiter.current
        server.next_assembly = ConfigError("a mistake")

        arbiter.reload()
        server.turn()

        assert arbiter.current is before
        assert arbiter.previous is None
        assert server.recorder.named("reload_failed") == [("a mistake",)]
        assert [each.state for each in arbiter.worker_table] == [READY, READY]


class Refusing:
    """Raises where a reload can still be refused."""

    def __init__(self, hook):
        self._hook = hook

    @hookimpl
    def on_reload(self):
        if self._hook == "on_reload":
            raise ConfigError("not now")

    @hookimpl
    def install_logs(self):
        if self._hook == "install_logs":
            raise ConfigError("not now")

    @hookimpl(tryfirst=True)
    def open_listeners(self):
        if self._hook == "open_listeners":
            raise ListenError("not now")


@pytest.mark.parametrize("hook", ["on_reload", "install_logs", "open_listeners"])
def test_a_refused_reload_leaves_directory_and_path_unchanged(hook, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    directory, path = os.getcwd(), list(sys.path)
    with serving(workers=1) as server:
        current = server.arbiter.current
        made = make_assembly(server.recorder, [Refusing(hook)], workers=1)

        def reassemble():
            os.chdir(tmp_path)
            sys.path.insert(0, "/somewhere/else")
            return made

        server.arbiter.reloads._reassemble = reassemble
        server.arbiter.reload()

        assert server.arbiter.current is current
        assert os.getcwd() == directory
        assert sys.path == path
        assert server.recorder.named("reload_failed") == [("not now",)]


class Records(logging.Logger):
    """A log of its own, which no installation changes."""

    def __init__(self):
        super().__init__("records")
        self.records = []

    def handle(self, record):
        self.records.append(record)


class Unexpected:
    """Raises what is not a HookserveError, in the middle of a reload."""

    def __init__(self, step, monkeypatch):
        self._step = step
        if step == "after the commit":
            self._first = iter([True])
            monkeypatch.setattr(Generation, "take_effect", self._fail_once(Generation.take_effect))

    def _fail_once(self, take_effect):
        def take_effect_once(generation):
            take_effect(generation)
            if next(self._first, False):
                raise RuntimeError("not now")

        return take_effect_once

    def reassemble(self, made):
        if self._step == "assembly":
            raise RuntimeError("not now")
        if self._step == "number of workers":
            return made._replace(config=object())
        return made


@pytest.mark.parametrize("step", ["assembly", "number of workers", "after the commit"])
def test_an_unexpected_exception_refuses_a_reload_as_any_other(step, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    directory, path = os.getcwd(), list(sys.path)
    plugin = Unexpected(step, monkeypatch)
    with serving(workers=1) as server:
        arbiter, current = server.arbiter, server.arbiter.current
        made = make_assembly(server.recorder, workers=1)

        def reassemble():
            os.chdir(tmp_path)
            sys.path.insert(0, "/somewhere/else")
            return plugin.reassemble(made)

        arbiter.log = Records()
        arbiter.reloads._reassemble = reassemble
        arbiter.reload()

        assert arbiter.current is current
        assert arbiter.previous is None
        assert os.getcwd() == directory
        assert sys.path == path
        ((reason,),) = server.recorder.named("reload_failed")
        assert f" at {__file__}:" in reason or step == "number of workers"
        last, cancelled = arbiter.log.records[-2:]
        assert isinstance(last.exc_info[1], (RuntimeError, AttributeError))
        assert reason in cancelled.getMessage()


class Logger:
    """Records which generation's loggers are in effect, and which objects were retired."""

    def __init__(self, name, installed, retired):
        self._name, self._installed, self._retired = name, installed, retired

    @hookimpl
    def install_logs(self):
        self._installed.append(self._name)

    @hookimpl
    def retired(self):
        self._retired.append(self._name)


@pytest.mark.parametrize("moment", ["before", "after", "canary"])
def test_a_refused_reload_restores_the_loggers(moment):
    installed, retired = [], []
    old, new = (Logger(name, installed, retired) for name in ("old", "new"))
    refusing = {"before": ["on_reload"], "after": ["install_logs"], "canary": []}[moment]
    with serving(workers=1, plugins=[old]) as server:
        # Plugins that are registered later are called first.
        assembly(server, plugins=[*map(Refusing, refusing), new], workers=1)

        server.arbiter.reload()
        if moment == "canary":
            server.turn()
            server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")

        assert len(server.recorder.named("reload_failed")) == 1
        assert installed == (["old"] if moment == "before" else ["new", "old"])
        assert retired == ["new"]


def test_listeners_that_a_refused_reload_opened_are_closed():
    with serving(workers=1) as server:
        listeners = assembly(server, SAME, "127.0.0.1:9000", plugins=[Refusing("on_reload")])

        server.arbiter.reload()

        assert [each.is_closed for each in listeners.opened] == [True]
        assert server.arbiter.address == (SAME,)


def test_a_canary_that_cannot_boot_restores_the_previous_generation(tmp_path):
    directory = os.getcwd()
    with serving(workers=2) as server:
        arbiter, before = server.arbiter, server.arbiter.current
        listeners = assembly(server, SAME, "127.0.0.1:9000", workers=3)
        made = server.next_assembly

        def reassemble():
            os.chdir(tmp_path)
            return made

        arbiter.reloads._reassemble = reassemble
        arbiter.reload()
        assert os.getcwd() == str(tmp_path)
        server.turn()

        server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")

        assert arbiter.current == before
        assert os.getcwd() == directory
        assert [each.is_closed for each in listeners.opened] == [True]
        assert [each.state for each in arbiter.worker_table if each.generation == 1] == [READY] * 2
        assert server.recorder.named("reload_failed") == [("SyntaxError: a slip",)]


def test_after_the_canary_was_ready_there_is_no_way_back():
    with serving(workers=2) as server:
        assembly(server, workers=2)
        server.arbiter.reload()
        server.turn()
        server.become_ready()

        server.end(server.handle(1), status=3 << 8, boot_error="SyntaxError: a slip")

        assert server.arbiter.generation == 2
        assert server.recorder.named("reload_failed") == []


def test_a_canary_that_ends_after_it_was_ready_does_not_open_the_way_back():
    with serving(workers=2, max_surge=1) as server:
        removed = server.arbiter.listeners[0]
        assembly(server, "127.0.0.1:9000", workers=1)
        server.arbiter.reload()
        server.turn()
        server.become_ready()
        server.end(server.handle(0), status=9)

        server.end(server.handle(0), status=3 << 8, boot_error="SyntaxError: a slip")

        assert removed.refuses_new_connections
        assert (server.arbiter.generation, server.arbiter.num_workers) == (2, 1)
        assert server.recorder.named("reload_failed") == []


def test_a_removed_listener_is_retired_when_the_canary_is_ready():
    with serving(workers=1) as server:
        removed = server.arbiter.listeners[0]
        assembly(server, "127.0.0.1:9000", workers=1)
        server.arbiter.reload()
        server.turn()
        assert not removed.refuses_new_connections

        server.become_ready()

        assert removed.refuses_new_connections
        assert removed.is_closed


def test_a_child_is_not_asked_to_close_a_listener_that_is_closed_already():
    with serving(workers=2) as server:
        removed = server.arbiter.listeners[0]
        assembly(server, "127.0.0.1:9000", workers=2)
        server.arbiter.reload()
        server.turn()
        assert removed.fileno() in server.arbiter.own_descriptors()

        server.become_ready()

        assert server.arbiter.previous is not None
        assert removed.fileno() == -1
        assert -1 not in server.arbiter.reloads.descriptors()


def test_a_reload_during_a_reload_follows_it():
    with serving(workers=1) as server:
        assembly(server, workers=1)
        server.arbiter.reload()
        assembly(server, workers=1)
        server.arbiter.reload()
        server.turn()
        assert server.arbiter.generation == 2

        server.become_ready()

        assert server.arbiter.generation == 3


def test_a_server_that_stops_does_not_reload():
    with serving(workers=1) as server:
        server.arbiter.stop()

        server.arbiter.reload()

        assert server.arbiter.generation == 1


@pytest.mark.parametrize("boots", [True, False])
def test_plugins_that_both_generations_have_are_not_retired(boots):
    # After a re-exec there is one set of plugins, made for the workers of both.
    with serving(workers=1) as server:
        arbiter = server.arbiter
        arbiter.previous = arbiter.current
        arbiter.current = arbiter.current._replace(number=2)
        server.turn()

        if boots:
            server.become_ready()
        else:
            server.end(server.handle(0), 3 << 8, "a mistake")

        assert arbiter.previous is None
        assert server.recorder.named("retired") == []


class Reads:
    """A plugin whose process reads the scoreboards."""

    @hookimpl
    def auxiliary_processes(self):
        return [AuxiliaryProcess("metrics", lambda: None)]


@pytest.mark.parametrize("threads", [1, 8])
def test_no_old_worker_is_retired_while_a_process_sees_only_the_scoreboard_of_before(threads):
    settings = {"worker_class": "gthread", "threads": 1}
    with serving(workers=1, plugins=[Reads()], **settings) as server:
        arbiter, (old,) = server.arbiter, server.arbiter.worker_table
        arbiter.auxiliaries.gather()
        server.turn()
        (reader,) = arbiter.auxiliaries.pids()
        settings["threads"] = threads
        server.next_assembly = make_assembly(server.recorder, [Reads()], workers=1, **settings)
        arbiter.reload()
        server.turn()
        assert server.processes.sent_to(reader) == []

        server.become_ready()

        assert server.processes.sent_to(reader) == ["SIGTERM"]
        assert old.state == (DRAINING if threads == 1 else READY)
        server.processes.end(reader)
        arbiter._reap()
        server.turn()
        (successor,) = arbiter.auxiliaries.pids()
        server.turn()
        assert old.state == DRAINING
        assert arbiter.previous is None
        assert arbiter.auxiliaries.pids() == {successor}
        assert server.processes.sent_to(successor) == []
