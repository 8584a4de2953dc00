"""The environment of hooks in the arbiter."""

import os
from types import SimpleNamespace

import pytest
from hookserve_gunicorn.objects.environment import with_raw_env
from hookserve_gunicorn.objects.hooks import OBJECTS, adapt

from hookserve.plugins.host import PluginHost
from hookserve.testing.fakes import configure


@pytest.fixture
def server(monkeypatch):
    """A server with variables, one of which the environment has too."""
    monkeypatch.setenv("HAS", "before")
    monkeypatch.delenv("NEW", raising=False)
    monkeypatch.delenv("KEPT", raising=False)
    return SimpleNamespace(config=configure({"raw_env": ["HAS=a=b", "NEW=1", "KEPT=1"]}))


def test_a_hook_has_the_variables_and_leaves_the_environment_as_it_was(server, monkeypatch):
    def hook(server, number):
        seen.append((os.environ["HAS"], os.environ["NEW"], number))
        os.environ["KEPT"] = "of the hook"
        raise ValueError("of the hook")

    seen = []
    monkeypatch.setenv("KEPT", "before")
    with pytest.raises(ValueError, match="of the hook"):
        with_raw_env(hook, 0)(server, 5)

    assert seen == [("a=b", "1", 5)]
    assert (os.environ["HAS"], os.environ.get("NEW")) == ("before", None)
    assert os.environ["KEPT"] == "of the hook"


def test_without_variables_the_environment_is_left_alone():
    call = with_raw_env(lambda server: dict(os.environ), 0)

    assert call(SimpleNamespace(config=configure({}))) == dict(os.environ)


@pytest.mark.parametrize("name", ["on_starting", "when_ready", "on_exit", "pre_exec", "on_reload"])
def test_hooks_of_the_arbiter_have_them(server, name):
    OBJECTS.belong_to(PluginHost())
    seen = []
    vars(server).update(num_workers=1)
    adapt(name, lambda server: seen.append(os.environ["NEW"]), ["server"])(server)

    assert seen == ["1"]
