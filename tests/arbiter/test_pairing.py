"""The first worker says what interface its application has, and another model is begun."""

import pytest
from support.fake_arbiter import serving

from hookserve import AuxiliaryProcess, hookimpl
from hookserve.arbiter import pairing
from hookserve.errors import PluginError


class Reads:
    @hookimpl
    def auxiliary_processes(self):
        return [AuxiliaryProcess("metrics", lambda: None)]


@pytest.fixture
def other(monkeypatch):
    """The classes of the model that runs ``asgi``."""

    def load(host, config, interface):
        if interface != "asgi":
            raise PluginError("there is none")
        return classes

    with serving() as server:
        old = server.arbiter.current.classes
        classes = old._replace(worker_type=old.worker_type._replace(name="loop"))
    monkeypatch.setattr(pairing, "load_serving_classes", load)
    return classes


def is_switched(server, interface, model=None):
    (handle, *_) = server.arbiter.workers
    handle.found_interface = interface
    handle.model = model or server.arbiter.current.classes.worker_type.name
    return pairing.switch_model(server.arbiter, handle)


def test_a_model_that_runs_the_interface_is_begun(other):
    with serving(is_ready=False) as server:
        assert is_switched(server, "asgi")
        assert server.arbiter.current.classes is other


def test_the_model_that_could_not_boot_is_not_begun_again(other):
    with serving(is_ready=False) as server:
        server.arbiter.current = server.arbiter.current._replace(classes=other)
        assert not is_switched(server, "asgi")


def test_what_has_no_effect_on_the_other_model_is_logged(other, caplog):
    with serving(is_ready=False, loop="uvloop") as server:
        assert "loop" not in caplog.text
        assert is_switched(server, "asgi")

    assert "the worker loop does not honour it (asyncio would)" in caplog.text


def test_auxiliary_processes_read_the_scoreboard_of_the_other_model(other):
    with serving(is_ready=False, plugins=[Reads()]) as server:
        server.arbiter.auxiliaries.gather()
        server.turn()
        (pid,) = server.arbiter.auxiliaries.pids()

        is_switched(server, "asgi")

        assert server.processes.sent_to(pid) == ["SIGTERM"]


def test_a_worker_beside_the_first_is_no_failure_either(other):
    with serving(is_ready=False) as server:
        assert is_switched(server, "asgi")
        assert is_switched(server, "asgi", model="sync")
        assert server.arbiter.current.classes is other


@pytest.mark.parametrize("interface", ["", "rsgi"])
def test_a_worker_that_cannot_boot_for_another_reason_is_a_failure(other, interface):
    with serving(is_ready=False) as server:
        assert not is_switched(server, interface)


def test_a_model_that_was_named_stays(other):
    with serving(is_ready=False, worker_class="sync") as server:
        assert not is_switched(server, "asgi")


def test_a_server_that_has_been_ready_keeps_its_model(other):
    with serving() as server:
        assert not is_switched(server, "asgi")
