"""An application that is loaded in a child process."""

import pytest
from hookserve_doctor import loading
from hookserve_doctor.loading import NotLoaded, load_in_child

from hookserve import hookimpl
from hookserve.launch.assembly import load_plugins
from hookserve.testing.fakes import configure


class Hangs:
    """A plugin whose application is never loaded."""

    @hookimpl(tryfirst=True)
    def load_app(self):
        loading.time.sleep(1000)


def test_without_boot_timeout_there_is_a_limit_too_and_it_is_said_how_to_raise_it(monkeypatch):
    monkeypatch.setattr(loading, "_LIMIT", 0.5)
    host = load_plugins([], {})
    host.register(Hangs(), "hangs")

    with pytest.raises(NotLoaded) as caught:
        load_in_child(configure({}), host)

    assert str(caught.value) == f"was not loaded within 0.5 s: it was at {__file__}:17"
    assert caught.value.remedy.endswith("set boot_timeout, which is how long doctor waits")
