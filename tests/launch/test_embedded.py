"""What a program gives instead of a command line."""

import pytest

from hookserve.config.resolved import SettingsSource
from hookserve.errors import AppNotFound
from hookserve.launch.assembly import load_plugins
from hookserve.launch.embedded import NOTHING_EMBEDDED, Embedded, EmbeddedApplication
from hookserve.launch.start import load_application
from hookserve.testing.fakes import configure


def test_the_values_are_a_source_with_a_name():
    values = {"plugins": "tls", "when_ready": print}

    assert Embedded(values).source == SettingsSource("hookserve.run", values)
    assert NOTHING_EMBEDDED.source.values == {}


def test_values_are_as_a_configuration_file_has_them():
    module = Embedded({"workers": 2, "when_ready": print}, origin="shop.serve").module()

    assert (module.workers, module.when_ready) == (2, print)
    assert module.__file__ == "shop.serve"


def test_the_application_is_the_programs_object_before_any_that_is_named():
    host = load_plugins([], {})
    host.register(EmbeddedApplication(lambda: print), "program")

    assert load_application(host, configure({"wsgi_app": "no_such_module"})) is print


def test_a_program_that_cannot_make_its_application_says_so_itself():
    def fail():
        raise AppNotFound("the shop is closed")

    host = load_plugins([], {})
    host.register(EmbeddedApplication(fail), "program")

    with pytest.raises(AppNotFound, match=r"^the shop is closed$"):
        load_application(host, configure({}))
